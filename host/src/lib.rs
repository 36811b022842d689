//! An embedded proxy-wasm host that behaves as Envoy does, faults included.
