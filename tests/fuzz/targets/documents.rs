//! libFuzzer around `meshward_fuzz::documents`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meshward_fuzz::documents::body(bytes));
