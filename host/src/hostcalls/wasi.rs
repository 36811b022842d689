//! Envoy's WASI subset: clocks, randomness, environment, output to the log; everything else politely does nothing.
//!
//! cpp-host `src/exports.cc`, `wasi_unstable_…`; the numbers are WASI's.

use super::general::plugin_name;
use crate::LogLevel;
use crate::memory::Call;

const SUCCESS: u32 = 0;
const BAD_DESCRIPTOR: u32 = 8;
const NOT_A_DIRECTORY: u32 = 20;
const FAULT: u32 = 21;
const INVALID: u32 = 28;
const NO_ENTRY: u32 = 44;
const NO_SYSTEM: u32 = 52;
const NOT_SUPPORTED: u32 = 58;

/// The longest piece of randomness (cpp-host `limits.h`, `PROXY_WASM_HOST_WASI_RANDOM_GET_MAX_SIZE_BYTES`).
const MAX_RANDOM: u32 = 65_536;
/// `fs_rights_base` of an output: write.
const RIGHT_TO_WRITE: u64 = 64;

macro_rules! always {
    ($($name:ident($($argument:ident),*) = $answer:expr;)*) => {
        $(
            /// Always answers the same.
            pub(super) const fn $name(_: &mut Call<'_, '_>, $($argument: u32),*) -> u32 {
                $(let _ = $argument;)*
                $answer
            }
        )*
    };
}

always! {
    done0() = SUCCESS;
    done1(a) = SUCCESS;
    done2(a, b) = SUCCESS;
    bad_descriptor2(a, b) = BAD_DESCRIPTOR;
    no_system2(a, b) = NO_SYSTEM;
    no_system3(a, b, c) = NO_SYSTEM;
    no_system4(a, b, c, d) = NO_SYSTEM;
    not_supported3(a, b, c) = NOT_SUPPORTED;
    not_supported6(a, b, c, d, e, f) = NOT_SUPPORTED;
    path_symlink(old, old_size, fd, new) = NOT_SUPPORTED;
    path_filestat_get(fd, flags, path, size, stat) = NOT_SUPPORTED;
    sock_shutdown(fd, how) = NOT_SUPPORTED;
    output1(fd) = output(fd);
}

const fn output(fd: u32) -> u32 {
    if fd == 1 || fd == 2 { SUCCESS } else { BAD_DESCRIPTOR }
}

const fn clock(number: u32) -> u32 {
    if number > 1 { NOT_SUPPORTED } else { SUCCESS }
}

/// `answer`, when the bytes could be written.
fn written(call: &mut Call<'_, '_>, pointer: u32, bytes: &[u8], answer: u32) -> u32 {
    if call.write(pointer, bytes).is_ok() { answer } else { FAULT }
}

/// `writevImpl`: standard output is info, standard error is error; one line each, without the newline at its end.
pub(super) fn fd_write(call: &mut Call<'_, '_>, fd: u32, iovs: u32, count: u32, size: u32) -> u32 {
    let level = match fd {
        1 => LogLevel::Info,
        2 => LogLevel::Error,
        _ => return BAD_DESCRIPTOR,
    };
    let mut text = Vec::new();
    for index in 0..count {
        let Some(entry) = index.checked_mul(8).and_then(|offset| iovs.checked_add(offset)) else {
            return FAULT;
        };
        let Ok(entry) = call.read(entry, 8) else { return FAULT };
        let (Some((pointer, rest)), true) = (entry.split_first_chunk::<4>(), entry.len() == 8) else {
            return FAULT;
        };
        let length = rest.first_chunk::<4>().map_or(0, |length| u32::from_le_bytes(*length));
        if length > 0 {
            let Ok(part) = call.read(u32::from_le_bytes(*pointer), length) else { return FAULT };
            text.extend_from_slice(&part);
        }
    }
    let length = u32::try_from(text.len()).unwrap_or(u32::MAX);
    if length > 0 {
        if text.last() == Some(&b'\n') {
            text.pop();
        }
        let (world, own) = call.both();
        let name = plugin_name(own);
        world.write(level, &name, own.worker, &text);
    }
    written(call, size, &length.to_le_bytes(), SUCCESS)
}

pub(super) fn fd_pwrite(
    call: &mut Call<'_, '_>,
    fd: u32,
    iovs: u32,
    count: u32,
    _offset: u64,
    size: u32,
) -> u32 {
    fd_write(call, fd, iovs, count, size)
}

pub(super) const fn fd_seek(_: &mut Call<'_, '_>, _fd: u32, _offset: i64, _whence: u32, _place: u32) -> u32 {
    SUCCESS
}

pub(super) fn fd_fdstat_get(call: &mut Call<'_, '_>, fd: u32, stat: u32) -> u32 {
    if output(fd) != SUCCESS {
        return BAD_DESCRIPTOR;
    }
    let mut bytes = [0; 24];
    for (place, byte) in bytes.iter_mut().skip(8).zip(RIGHT_TO_WRITE.to_le_bytes()) {
        *place = byte;
    }
    // A failed write is not noticed there either.
    let _ = call.write(stat, &bytes);
    SUCCESS
}

pub(super) const fn fd_fdstat_set_rights(_: &mut Call<'_, '_>, fd: u32, _base: u64, _inheriting: u64) -> u32 {
    output(fd)
}

pub(super) fn environ_sizes_get(call: &mut Call<'_, '_>, count: u32, size: u32) -> u32 {
    let environment = &call.own().environment;
    let number = environment.len();
    let bytes = environment.iter().fold(0_usize, |sum, (name, value)| {
        sum.saturating_add(name.len()).saturating_add(value.len()).saturating_add(2)
    });
    if call.write_size(count, number).is_ok() && call.write_size(size, bytes).is_ok() {
        SUCCESS
    } else {
        FAULT
    }
}

pub(super) fn environ_get(call: &mut Call<'_, '_>, pointers: u32, text: u32) -> u32 {
    let environment = call.own().environment.clone();
    let (mut pointers, mut text) = (pointers, text);
    for (name, value) in environment {
        let line = format!("{name}={value}\0");
        if call.write_word(pointers, text).is_err() || call.write(text, line.as_bytes()).is_err() {
            return FAULT;
        }
        text = text.saturating_add(u32::try_from(line.len()).unwrap_or(u32::MAX));
        pointers = pointers.saturating_add(4);
    }
    SUCCESS
}

pub(super) fn args_sizes_get(call: &mut Call<'_, '_>, count: u32, size: u32) -> u32 {
    if call.write_word(count, 0).is_ok() && call.write_word(size, 0).is_ok() { SUCCESS } else { FAULT }
}

pub(super) fn clock_time_get(call: &mut Call<'_, '_>, number: u32, _precision: u64, time: u32) -> u32 {
    if clock(number) != SUCCESS {
        return NOT_SUPPORTED;
    }
    let now = call.world().now;
    written(call, time, &now.to_le_bytes(), SUCCESS)
}

pub(super) fn clock_res_get(call: &mut Call<'_, '_>, number: u32, resolution: u32) -> u32 {
    if clock(number) != SUCCESS {
        return NOT_SUPPORTED;
    }
    written(call, resolution, &1_u64.to_le_bytes(), SUCCESS)
}

pub(super) const fn fd_advise(
    _: &mut Call<'_, '_>,
    _fd: u32,
    _offset: u64,
    _length: u64,
    _advice: u32,
) -> u32 {
    SUCCESS
}

pub(super) const fn fd_allocate(_: &mut Call<'_, '_>, fd: u32, _offset: u64, _length: u64) -> u32 {
    output(fd)
}

pub(super) const fn fd_filestat_set_size(_: &mut Call<'_, '_>, fd: u32, _size: u64) -> u32 {
    output(fd)
}

pub(super) const fn fd_filestat_set_times(
    _: &mut Call<'_, '_>,
    fd: u32,
    _access: u64,
    _change: u64,
    _flags: u32,
) -> u32 {
    output(fd)
}

pub(super) const fn fd_pread(
    _: &mut Call<'_, '_>,
    _fd: u32,
    _iovs: u32,
    _count: u32,
    _offset: u64,
    _read: u32,
) -> u32 {
    NO_SYSTEM
}

pub(super) fn fd_readdir(
    call: &mut Call<'_, '_>,
    _fd: u32,
    _text: u32,
    _size: u32,
    _cookie: u64,
    read: u32,
) -> u32 {
    written(call, read, &0_u32.to_le_bytes(), NOT_A_DIRECTORY)
}

pub(super) const fn fd_renumber(_: &mut Call<'_, '_>, fd: u32, to: u32) -> u32 {
    if output(fd) == SUCCESS && output(to) == SUCCESS { NOT_SUPPORTED } else { BAD_DESCRIPTOR }
}

pub(super) fn fd_tell(call: &mut Call<'_, '_>, fd: u32, place: u32) -> u32 {
    if output(fd) != SUCCESS {
        return BAD_DESCRIPTOR;
    }
    written(call, place, &0_u64.to_le_bytes(), SUCCESS)
}

#[expect(clippy::too_many_arguments, reason = "WASI's")]
pub(super) const fn path_filestat_set_times(
    _: &mut Call<'_, '_>,
    _fd: u32,
    _flags: u32,
    _path: u32,
    _size: u32,
    _access: u64,
    _change: u64,
    _which: u32,
) -> u32 {
    NOT_SUPPORTED
}

pub(super) fn path_readlink(
    call: &mut Call<'_, '_>,
    _fd: u32,
    _path: u32,
    _size: u32,
    _text: u32,
    _room: u32,
    read: u32,
) -> u32 {
    written(call, read, &0_u32.to_le_bytes(), NOT_SUPPORTED)
}

pub(super) fn sock_accept(call: &mut Call<'_, '_>, _fd: u32, _flags: u32, accepted: u32) -> u32 {
    written(call, accepted, &0_u64.to_le_bytes(), NOT_SUPPORTED)
}

pub(super) fn sock_recv(
    call: &mut Call<'_, '_>,
    _fd: u32,
    _iovs: u32,
    _count: u32,
    _flags: u32,
    read: u32,
    out: u32,
) -> u32 {
    if call.write_word(read, 0).is_err() {
        return FAULT;
    }
    written(call, out, &0_u16.to_le_bytes(), NOT_SUPPORTED)
}

pub(super) fn sock_send(
    call: &mut Call<'_, '_>,
    _fd: u32,
    _iovs: u32,
    _count: u32,
    _flags: u32,
    sent: u32,
) -> u32 {
    written(call, sent, &0_u32.to_le_bytes(), NOT_SUPPORTED)
}

/// Seeded, so that a run can be repeated; Envoy's comes from the system.
pub(super) fn random_get(call: &mut Call<'_, '_>, place: u32, size: u32) -> u32 {
    if size > MAX_RANDOM {
        return INVALID;
    }
    let wanted = usize::try_from(size).unwrap_or_default();
    let mut bytes = Vec::with_capacity(wanted.saturating_add(8));
    while bytes.len() < wanted {
        bytes.extend_from_slice(&call.world().next_random().to_le_bytes());
    }
    bytes.truncate(wanted);
    let bytes = call.world().plan.mangled(bytes);
    if bytes.is_empty() { SUCCESS } else { written(call, place, &bytes, SUCCESS) }
}

/// Nothing has happened, and that is a success: Go's runtime wants it so.
pub(super) fn poll_oneoff(
    call: &mut Call<'_, '_>,
    _subscriptions: u32,
    _events: u32,
    _count: u32,
    happened: u32,
) -> u32 {
    written(call, happened, &0_u32.to_le_bytes(), SUCCESS)
}

#[expect(clippy::too_many_arguments, reason = "WASI's")]
pub(super) const fn path_open(
    _: &mut Call<'_, '_>,
    _fd: u32,
    _dir: u32,
    _path: u32,
    _size: u32,
    _open: u32,
    _base: i64,
    _inheriting: i64,
    _flags: u32,
    _opened: u32,
) -> u32 {
    NO_ENTRY
}
