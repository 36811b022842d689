//! The `authn` module: is the caller who it says it is?
