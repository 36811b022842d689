//! As whom the VM acts, and the end of a root.

use crate::Status;
use crate::memory::Call;
use crate::vm::AfterCall;

/// cpp-host `exports.cc`, `set_effective_context`: any context of this VM; 0 is the VM's own and so ends it.
pub(super) fn set_effective(call: &mut Call<'_, '_>, context: u32) -> Result<(), Status> {
    let own = call.own();
    if context != 0 && !own.contexts.contains_key(&context) {
        return Err(Status::BadArgument);
    }
    own.effective = context;
    Ok(())
}

/// cpp-host `wasm.cc`, `WasmBase::done`: only for a root whose `proxy_on_done` answered false; its delete follows when the call
/// has returned.
pub(super) fn done(call: &mut Call<'_, '_>) -> Result<(), Status> {
    let own = call.own();
    let context = own.root_of(own.acting());
    if !own.pending_done.contains(&context) {
        return Err(Status::NotFound);
    }
    own.pending_done.retain(|known| *known != context);
    own.pending_delete.push(context);
    own.after.push_back(AfterCall::FinishShutdown);
    Ok(())
}
