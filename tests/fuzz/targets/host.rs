//! libFuzzer around `meshward_fuzz::host`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meshward_fuzz::host::body(bytes));
