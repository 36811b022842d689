//! Shared queues (cpp-host `src/shared_queue.cc`, `SharedQueue`).

use std::collections::{HashMap, VecDeque};

use crate::Status;
use crate::vm::VmId;

/// Who is told that something was put in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listener {
    /// Its VM.
    pub(crate) vm: VmId,
    /// Its root context.
    pub(crate) context: u32,
}

#[derive(Debug)]
struct Queue {
    listener: Listener,
    items: VecDeque<Vec<u8>>,
}

/// All shared queues of the process.
#[derive(Debug, Default)]
pub(crate) struct Queues {
    tokens: HashMap<(String, Vec<u8>), u32>,
    queues: HashMap<u32, Queue>,
    last: u32,
}

impl Queues {
    /// Registers a queue. Who registers last is told; what is in it stays (`registerQueue`).
    pub(crate) fn register(&mut self, vm_id: &str, name: Vec<u8>, listener: Listener) -> u32 {
        let token = *self.tokens.entry((vm_id.to_owned(), name)).or_insert_with(|| {
            self.last = self.last.saturating_add(1);
            self.last
        });
        self.queues
            .entry(token)
            .and_modify(|queue| queue.listener = listener)
            .or_insert_with(|| Queue { listener, items: VecDeque::new() });
        token
    }

    /// A queue's token (`resolveQueue`).
    pub(crate) fn resolve(&self, vm_id: &str, name: &[u8]) -> Option<u32> {
        self.tokens.get(&(vm_id.to_owned(), name.to_vec())).copied()
    }

    /// Puts something in; says who is to be told (`enqueue`).
    pub(crate) fn enqueue(&mut self, token: u32, item: Vec<u8>) -> Result<Listener, Status> {
        let queue = self.queues.get_mut(&token).ok_or(Status::NotFound)?;
        queue.items.push_back(item);
        Ok(queue.listener)
    }

    /// Takes the oldest out (`dequeue`).
    pub(crate) fn dequeue(&mut self, token: u32) -> Result<Vec<u8>, Status> {
        self.queues.get_mut(&token).ok_or(Status::NotFound)?.items.pop_front().ok_or(Status::Empty)
    }
}
