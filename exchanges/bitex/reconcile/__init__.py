"""How reads of Bitex show again what a call did."""
