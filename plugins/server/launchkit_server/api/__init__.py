"""The routes, one module a noun. They decide nothing: the rules are the store's."""
