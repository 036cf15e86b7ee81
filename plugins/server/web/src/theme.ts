/** Light or dark, before anything is painted: as the system has it, or as was chosen here. */

const chosen = localStorage.getItem("theme");
if (chosen === "light" || chosen === "dark") document.documentElement.dataset["theme"] = chosen;
