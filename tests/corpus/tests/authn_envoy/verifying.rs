//! Signatures in the real Envoys: the proxy passes the known-answer test, and a forged token does not pass.

use crate::setup::{envoys, key, remote, set, start, token, with_token};

#[test]
fn every_algorithm_is_verified_and_no_forged_token_passes() {
    for (version, binary) in envoys() {
        let keys = ["rsa-1", "ec-1", "ed-1"].map(key);
        let mut running = start(&binary, &remote(), set(&keys.each_ref()));
        running.asked(1);
        for key in &keys {
            let token = token(key, key.name());
            let name = key.name();
            assert_eq!(running.send(&with_token("/", &token)).status, 200, "{version}: {name}");
            let (message, signature) = token.rsplit_once('.').expect("three parts");
            let other = if signature.starts_with('A') { "B" } else { "A" };
            let forged = format!("{message}.{other}{}", signature.get(1..).unwrap_or_default());
            let why = running.why(&format!("/forged-{name}"), &forged);
            assert_eq!(why, (401, "meshward_denied[authn.token_signature]".to_owned()), "{version}: {name}");
        }
        // Envoy's function is right: else the plugin would have said that it verifies itself.
        let log = running.envoy.log();
        assert!(!log.iter().any(|line| line.contains("verify_signature_unusable")), "{version}: {log:#?}");
        running.is_well();
    }
}
