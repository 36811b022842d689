//! libFuzzer around `meshward_fuzz::spiffe`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| meshward_fuzz::spiffe::body(bytes));
