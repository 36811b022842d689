//! Log, clock, timers, properties, metrics, status.

use crate::memory::Call;
use crate::metrics::MetricKind;
use crate::vm::Own;
use crate::world::NANOS_PER_MILLI;
use crate::{LogLevel, Status, property};

/// The plugin as whom the VM acts; the VM's own context is nobody's.
pub(super) fn plugin_name(own: &Own) -> String {
    own.root(own.root_of(own.acting())).map(|root| root.plugin.name.clone()).unwrap_or_default()
}

/// The same plugin's place in the chain.
pub(super) fn plugin_place(own: &Own) -> usize {
    own.root(own.root_of(own.acting())).map(|root| root.place).unwrap_or_default()
}

/// A level by the ABI's number.
const fn level(number: u32) -> Option<LogLevel> {
    match number {
        0 => Some(LogLevel::Trace),
        1 => Some(LogLevel::Debug),
        2 => Some(LogLevel::Info),
        3 => Some(LogLevel::Warn),
        4 => Some(LogLevel::Error),
        5 => Some(LogLevel::Critical),
        _ => None,
    }
}

/// cpp-host `exports.cc`, `log`; Envoy `context.cc`, `Context::log`.
pub(super) fn log(call: &mut Call<'_, '_>, number: u32, text: u32, size: u32) -> Result<(), Status> {
    let level = level(number).ok_or(Status::BadArgument)?;
    let text = call.read(text, size)?;
    let (world, own) = call.both();
    let name = plugin_name(own);
    world.write(level, &name, own.worker, &text);
    Ok(())
}

/// cpp-host `exports.cc`, `get_log_level`.
pub(super) fn log_level(call: &mut Call<'_, '_>, level: u32) -> Result<(), Status> {
    let number = call.world().log_level as u32;
    call.write_word(level, number)
}

/// cpp-host `exports.cc`, `get_status`: always the root's.
pub(super) fn status(call: &mut Call<'_, '_>, code: u32, text: u32, size: u32) -> Result<(), Status> {
    let own = call.own();
    let (number, message) = own
        .root(own.root_of(own.acting()))
        .map(|root| (root.status, root.status_message.clone().into_bytes()))
        .unwrap_or_default();
    call.write_word(code, number)?;
    call.hand_over(message, text, size)
}

/// cpp-host `exports.cc`, `get_current_time_nanoseconds`.
pub(super) fn now(call: &mut Call<'_, '_>, time: u32) -> Result<(), Status> {
    let now = call.world().now;
    call.write(time, &now.to_le_bytes())
}

/// cpp-host `context.cc`, `setTimerPeriod`; Envoy `wasm.cc`, `setTimerPeriod`: the root's timer begins anew.
pub(super) fn tick_period(call: &mut Call<'_, '_>, millis: u32) -> Result<(), Status> {
    let (world, own) = call.both();
    let root = own.root_of(own.acting());
    if let Some(root) = own.root_mut(root) {
        root.period = u64::from(millis).saturating_mul(NANOS_PER_MILLI);
        root.next_tick = (millis > 0).then(|| world.now.saturating_add(root.period));
    }
    Ok(())
}

/// cpp-host `exports.cc`, `set_property`; Envoy `context.cc`, `setProperty`.
pub(super) fn set_property(
    call: &mut Call<'_, '_>,
    path: u32,
    path_size: u32,
    value: u32,
    size: u32,
) -> Result<(), Status> {
    let path = call.read(path, path_size)?;
    let value = call.read(value, size)?;
    let (world, own) = call.both();
    property::set(world, own, path, value)
}

/// cpp-host `exports.cc`, `get_property`; Envoy `context.cc`, `getProperty`.
pub(super) fn get_property(
    call: &mut Call<'_, '_>,
    path: u32,
    path_size: u32,
    value: u32,
    size: u32,
) -> Result<(), Status> {
    let path = call.read(path, path_size)?;
    let (world, own) = call.both();
    let bytes = property::get(world, own, &path)?;
    call.hand_over(bytes, value, size)
}

/// cpp-host `exports.cc`, `define_metric`; Envoy `context.cc`, `defineMetric`.
pub(super) fn define_metric(
    call: &mut Call<'_, '_>,
    kind: u32,
    name: u32,
    size: u32,
    id: u32,
) -> Result<(), Status> {
    let name = call.text(name, size)?;
    let kind = MetricKind::of(kind).ok_or(Status::BadArgument)?;
    let (world, own) = call.both();
    let number = own.metrics.define(kind, &name, &mut world.metrics);
    call.write_word(id, number)
}

/// cpp-host `exports.cc`, `increment_metric`.
pub(super) fn increment_metric(call: &mut Call<'_, '_>, id: u32, offset: i64) -> Result<(), Status> {
    let (world, own) = call.both();
    answered(own.metrics.increment(id, offset, &mut world.metrics))
}

/// cpp-host `exports.cc`, `record_metric`.
pub(super) fn record_metric(call: &mut Call<'_, '_>, id: u32, value: u64) -> Result<(), Status> {
    let (world, own) = call.both();
    answered(own.metrics.record(id, value, &mut world.metrics))
}

/// cpp-host `exports.cc`, `get_metric`.
pub(super) fn get_metric(call: &mut Call<'_, '_>, id: u32, value: u32) -> Result<(), Status> {
    let (world, own) = call.both();
    let number = own.metrics.get(id, &world.metrics)?;
    call.write(value, &number.to_le_bytes())
}

/// A status as a result.
pub(super) fn answered(status: Status) -> Result<(), Status> {
    if status == Status::Ok { Ok(()) } else { Err(status) }
}
