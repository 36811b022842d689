//! A plugin whose stage asks.
