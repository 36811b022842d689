//! libFuzzer around `meshward_fuzz::abi`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meshward_fuzz::abi::body(bytes));
