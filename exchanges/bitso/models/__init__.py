"""Models of the current API of Bitso (v3, v4): one module per area, with the fields in the order of the documents."""
