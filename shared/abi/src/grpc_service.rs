//! The target of a gRPC call: Envoy's `envoy.config.core.v3.GrpcService` in protobuf.

use crate::protobuf::field;

/// A cluster of the proxy.
///
/// ```
/// assert_eq!(meshward_abi::grpc_service::of_cluster("quota"), b"\x0a\x07\x0a\x05quota");
/// ```
pub fn of_cluster(name: &str) -> Vec<u8> {
    // Field 1 of `GrpcService` is `envoy_grpc`, field 1 of `EnvoyGrpc` is `cluster_name`.
    let mut envoy_grpc = Vec::new();
    field(&mut envoy_grpc, 1, name.as_bytes());
    let mut service = Vec::new();
    field(&mut service, 1, &envoy_grpc);
    service
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg_attr(target_arch = "wasm32", wasm_bindgen_test::wasm_bindgen_test)]
    #[cfg_attr(not(target_arch = "wasm32"), test)]
    fn lengths_over_127_take_two_bytes() {
        let name = "c".repeat(200);
        let bytes = of_cluster(&name);
        assert_eq!(bytes.get(..6), Some([0x0a, 0xcb, 0x01, 0x0a, 0xc8, 0x01].as_slice()));
        assert_eq!(bytes.len(), 206);
        assert_eq!(of_cluster(""), [0x0a, 0x02, 0x0a, 0x00]);
    }
}
