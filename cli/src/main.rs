//! The `meshward` command.

const fn main() {}
