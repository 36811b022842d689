//! Shared data: what plugins of one `vm_id` share, on all workers (cpp-host `src/shared_data.cc`, `SharedData`).

use std::collections::HashMap;

use crate::Status;

/// A value and its CAS number.
type Entry = (Vec<u8>, u32);

/// All shared data of the process.
#[derive(Debug, Default)]
pub(crate) struct SharedData {
    by_vm: HashMap<String, HashMap<Vec<u8>, Entry>>,
    last_cas: u32,
}

impl SharedData {
    /// A value and its CAS number (`SharedData::get`).
    pub(crate) fn get(&self, vm_id: &str, key: &[u8]) -> Option<&Entry> {
        self.by_vm.get(vm_id)?.get(key)
    }

    /// Writes a value. A CAS number of 0 is unconditional; for a key that is not there any number will do
    /// (`SharedData::set`).
    pub(crate) fn set(&mut self, vm_id: &str, key: Vec<u8>, value: Vec<u8>, cas: u32) -> Status {
        let map = self.by_vm.entry(vm_id.to_owned()).or_default();
        if let Some((_, known)) = map.get(&key)
            && cas != 0
            && cas != *known
        {
            return Status::CasMismatch;
        }
        // `nextCas`: 0 is never given.
        self.last_cas = self.last_cas.checked_add(1).unwrap_or(1);
        map.insert(key, (value, self.last_cas));
        Status::Ok
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_key_takes_any_number_and_a_known_one_only_its_own() {
        let mut data = SharedData::default();
        assert_eq!(data.set("vm", b"k".to_vec(), b"1".to_vec(), 99), Status::Ok);
        let cas = data.get("vm", b"k").map(|(_, cas)| *cas).unwrap_or_default();
        assert_eq!(data.set("vm", b"k".to_vec(), b"2".to_vec(), cas + 1), Status::CasMismatch);
        assert_eq!(data.set("vm", b"k".to_vec(), b"3".to_vec(), cas), Status::Ok);
        assert_eq!(data.set("vm", b"k".to_vec(), b"4".to_vec(), 0), Status::Ok);
        assert_eq!(data.get("vm", b"k").map(|(value, _)| value.as_slice()), Some(&b"4"[..]));
        assert!(data.get("other", b"k").is_none());
    }
}
