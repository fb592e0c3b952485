"""One module a page: state in, components, engine, state out."""
