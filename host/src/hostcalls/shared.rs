//! Shared data and shared queues.

use super::general::answered;
use crate::Status;
use crate::memory::Call;
use crate::queue::Listener;

/// cpp-host `exports.cc`, `get_shared_data`.
pub(super) fn get(
    call: &mut Call<'_, '_>,
    key: u32,
    key_size: u32,
    value: u32,
    size: u32,
    cas: u32,
) -> Result<(), Status> {
    let key = call.read(key, key_size)?;
    let (world, own) = call.both();
    let (bytes, number) = world.shared.get(&own.vm_id, &key).ok_or(Status::NotFound)?.clone();
    call.hand_over(bytes, value, size)?;
    call.write_word(cas, number)
}

/// cpp-host `exports.cc`, `set_shared_data`.
pub(super) fn set(
    call: &mut Call<'_, '_>,
    key: u32,
    key_size: u32,
    value: u32,
    size: u32,
    cas: u32,
) -> Result<(), Status> {
    let key = call.read(key, key_size)?;
    let value = call.read(value, size)?;
    let (world, own) = call.both();
    answered(world.shared.set(&own.vm_id, key, value, cas))
}

/// cpp-host `context.cc`, `registerSharedQueue`: the root is told.
pub(super) fn register(call: &mut Call<'_, '_>, name: u32, size: u32, token: u32) -> Result<(), Status> {
    let name = call.read(name, size)?;
    let (world, own) = call.both();
    let listener = Listener { vm: own.id, context: own.root_of(own.acting()) };
    let number = world.queues.register(&own.vm_id, name, listener);
    call.write_word(token, number)
}

/// cpp-host `context.cc`, `lookupSharedQueue`: an empty `vm_id` is the caller's.
pub(super) fn resolve(
    call: &mut Call<'_, '_>,
    vm_id: u32,
    vm_id_size: u32,
    name: u32,
    name_size: u32,
    token: u32,
) -> Result<(), Status> {
    let vm_id = call.text(vm_id, vm_id_size)?;
    let name = call.read(name, name_size)?;
    let (world, own) = call.both();
    let vm_id = if vm_id.is_empty() { &own.vm_id } else { &vm_id };
    let number = world.queues.resolve(vm_id, &name).ok_or(Status::NotFound)?;
    call.write_word(token, number)
}

/// cpp-host `exports.cc`, `dequeue_shared_queue`.
pub(super) fn dequeue(call: &mut Call<'_, '_>, token: u32, item: u32, size: u32) -> Result<(), Status> {
    let bytes = call.world().queues.dequeue(token)?;
    call.hand_over(bytes, item, size)
}

/// cpp-host `shared_queue.cc`, `enqueue`: who listens is told later, on its own thread.
pub(super) fn enqueue(call: &mut Call<'_, '_>, token: u32, item: u32, size: u32) -> Result<(), Status> {
    let bytes = call.read(item, size)?;
    let world = call.world();
    let listener = world.queues.enqueue(token, bytes)?;
    world.posted.push_back((listener, token));
    Ok(())
}
