"""Whether a text in YAML has comments, which are lost where it becomes JSON."""

import yaml

SafeLoader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
BLOCKS = frozenset({"|", ">"})


def has_comments(text: str) -> bool:
    """Whether there is one in a text that was read: what stands between its tokens, or behind
    the mark of a block, is space and comments.
    """
    behind = 0
    for token in yaml.scan(text, Loader=SafeLoader):
        begin, end = token.start_mark.index, token.end_mark.index
        if "#" in text[behind:begin]:
            return True
        if isinstance(token, yaml.ScalarToken) and token.style in BLOCKS:
            head = text[begin:end].partition("\n")[0]
            if "#" in head:
                return True
        behind = end
    return "#" in text[behind:]
