//! A running host call: the VM's memory and both sides of the ABI.

use wasmtime::{AsContext, AsContextMut, Caller};

use crate::Status;
use crate::vm::{Allocator, Own, Restriction, VmData};
use crate::world::World;

/// The most that a VM's memory may have (cpp-host `limits.h`, `PROXY_WASM_HOST_MAX_WASM_MEMORY_SIZE_BYTES`).
pub(crate) const MAX_MEMORY: usize = 1_073_741_824;

/// A running host call.
pub(crate) struct Call<'call, 'vm> {
    caller: &'call mut Caller<'vm, VmData>,
}

impl<'call, 'vm> Call<'call, 'vm> {
    /// A host call that a VM has made.
    pub(crate) const fn new(caller: &'call mut Caller<'vm, VmData>) -> Self {
        Self { caller }
    }

    /// The world.
    pub(crate) fn world(&mut self) -> &mut World {
        &mut self.caller.data_mut().world
    }

    /// The VM's own side.
    pub(crate) fn own(&mut self) -> &mut Own {
        &mut self.caller.data_mut().own
    }

    /// Both.
    pub(crate) fn both(&mut self) -> (&mut World, &mut Own) {
        let VmData { world, own, .. } = self.caller.data_mut();
        (world, own)
    }

    /// Reads memory (cpp-host `src/v8/v8.cc`, `getMemory`).
    pub(crate) fn read(&self, pointer: u32, size: u32) -> Result<Vec<u8>, Status> {
        let memory = self.caller.data().own.memory.ok_or(Status::InvalidMemoryAccess)?;
        let (start, end) = range(pointer, u64::from(size)).ok_or(Status::InvalidMemoryAccess)?;
        let bytes = memory.data(self.caller.as_context()).get(start..end);
        bytes.map(<[u8]>::to_vec).ok_or(Status::InvalidMemoryAccess)
    }

    /// Reads text out of memory; bytes that are no UTF-8 are replaced.
    pub(crate) fn text(&self, pointer: u32, size: u32) -> Result<String, Status> {
        Ok(String::from_utf8_lossy(&self.read(pointer, size)?).into_owned())
    }

    /// Writes memory (`setMemory`).
    pub(crate) fn write(&mut self, pointer: u32, bytes: &[u8]) -> Result<(), Status> {
        let memory = self.caller.data().own.memory.ok_or(Status::InvalidMemoryAccess)?;
        let size = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let (start, end) = range(pointer, size).ok_or(Status::InvalidMemoryAccess)?;
        let place = memory.data_mut(self.caller.as_context_mut()).get_mut(start..end);
        place.ok_or(Status::InvalidMemoryAccess)?.copy_from_slice(bytes);
        Ok(())
    }

    /// Writes a 32-bit number (`setWord`).
    pub(crate) fn write_word(&mut self, pointer: u32, word: u32) -> Result<(), Status> {
        self.write(pointer, &word.to_le_bytes())
    }

    /// Writes a length as a 32-bit number.
    pub(crate) fn write_size(&mut self, pointer: u32, size: usize) -> Result<(), Status> {
        self.write_word(pointer, u32::try_from(size).unwrap_or(u32::MAX))
    }

    /// Asks the module for memory and copies bytes into it; where they are and how many (cpp-host `wasm.h`,
    /// `copyToPointerSize`). Nothing is asked for when there are no bytes. This is where answers are cut and garbled.
    pub(crate) fn hand_over(&mut self, bytes: Vec<u8>, pointer: u32, size: u32) -> Result<(), Status> {
        let bytes = self.world().plan.mangled(bytes);
        let place = if bytes.is_empty() { 0 } else { self.place(&bytes)? };
        self.write_word(pointer, place)?;
        self.write_size(size, bytes.len())
    }

    /// Copies bytes into memory that the module gives; where (`allocMemory`).
    pub(crate) fn place(&mut self, bytes: &[u8]) -> Result<u32, Status> {
        let size = u32::try_from(bytes.len()).map_err(|_| Status::InvalidMemoryAccess)?;
        let allocate = self.caller.data().own.allocate.clone().ok_or(Status::InvalidMemoryAccess)?;
        let place = self.allocated(&allocate, size);
        if place == 0 {
            return Err(Status::InvalidMemoryAccess);
        }
        self.write(place, bytes)?;
        Ok(place)
    }

    /// The allocator runs as the VM's own context; should it trap, the VM has failed but the caller still returns (cpp-host
    /// `src/v8/v8.cc`, `getModuleFunctionImpl`).
    fn allocated(&mut self, allocate: &Allocator, size: u32) -> u32 {
        let own = self.own();
        let before = (own.current, own.effective, own.restriction);
        (own.current, own.effective, own.restriction) = (0, 0, Restriction::Allocate);
        let place = allocate.0.call(self.caller.as_context_mut(), size);
        let own = self.own();
        (own.current, own.effective, own.restriction) = before;
        place.unwrap_or_else(|error| {
            let own = self.own();
            own.failed = true;
            own.failure = Some(format!("Function: malloc failed: {}", error.root_cause()));
            0
        })
    }
}

/// A range of a 32-bit memory.
fn range(pointer: u32, size: u64) -> Option<(usize, usize)> {
    let end = u64::from(pointer).checked_add(size)?;
    if end > u64::from(u32::MAX) {
        return None;
    }
    Some((usize::try_from(pointer).ok()?, usize::try_from(end).ok()?))
}
