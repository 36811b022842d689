//! The `guard` module: every stage in one VM, the request read once
