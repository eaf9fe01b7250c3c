"""Names of layers, networks and files as matplotlib shows them."""


def plain(name: str) -> str:
    """Return a name that matplotlib takes as it is: no formulas, and no hidden labels."""
    text = name.replace("$", r"\$")
    return f" {text}" if text.startswith("_") else text
