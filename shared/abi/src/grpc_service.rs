//! The target of a gRPC call: Envoy's `envoy.config.core.v3.GrpcService` in protobuf.

/// Field 1 of `GrpcService`, `envoy_grpc`, and field 1 of `EnvoyGrpc`, `cluster_name`: both length-delimited.
const FIELD_1: u8 = 0x0a;
const CONTINUES: u8 = 0x80;
const SEVEN_BITS: usize = 7;

/// A cluster of the proxy.
///
/// ```
/// assert_eq!(meshward_abi::grpc_service::of_cluster("quota"), b"\x0a\x07\x0a\x05quota");
/// ```
pub fn of_cluster(name: &str) -> Vec<u8> {
    field_1(&field_1(name.as_bytes()))
}

fn field_1(bytes: &[u8]) -> Vec<u8> {
    let mut field = vec![FIELD_1];
    let mut rest = bytes.len();
    loop {
        let low = u8::try_from(rest & 0x7f).unwrap_or_default();
        rest >>= SEVEN_BITS;
        if rest == 0 {
            field.push(low);
            break;
        }
        field.push(low | CONTINUES);
    }
    field.extend_from_slice(bytes);
    field
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
