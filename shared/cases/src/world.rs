//! What is around the plugins of the native door: the time, the proxy's shared data, servers behind its clusters.

use std::collections::BTreeMap;

use meshward_model::{Answer, Cas, Headers, Question, UnixMillis};

use crate::case::{Reply, Server};

/// The world of one case.
#[derive(Debug)]
pub(crate) struct World {
    pub(crate) now: UnixMillis,
    slots: BTreeMap<String, (Vec<u8>, u32)>,
    servers: Vec<(Server, usize)>,
}

impl World {
    pub(crate) fn new(now: UnixMillis, servers: &[Server]) -> Self {
        let servers = servers.iter().map(|server| (server.clone(), 0)).collect();
        Self { now, slots: BTreeMap::new(), servers }
    }

    /// The answer to a question, and when it comes.
    pub(crate) fn answer(&mut self, question: &Question) -> (UnixMillis, Answer) {
        match question {
            Question::Load { slot } => (self.now, self.load(slot)),
            Question::Store { slot, value, expected } => (self.now, self.store(slot, value, *expected)),
            // This proxy has no functions beside the ABI, as others than Envoy have none.
            Question::Call { .. } | Question::Grpc { .. } => (self.now, Answer::Failed),
            Question::Http { cluster, headers, timeout_millis, max_body_bytes, .. } => {
                let path = headers.iter().find(|(name, _)| name == b":path").map(|(_, path)| path.as_slice());
                let late = UnixMillis(self.now.0.saturating_add(u64::from(*timeout_millis)));
                match self.called(cluster, path.unwrap_or_default()) {
                    None => (self.now, Answer::Failed),
                    Some(Reply::Never) => (late, http(504, b"upstream request timeout")),
                    Some(Reply::Reset) => (self.now, http(503, b"upstream connect error")),
                    Some(Reply::Answer { body, .. })
                        if u32::try_from(body.len()).map_or(true, |length| length > *max_body_bytes) =>
                    {
                        (self.now, Answer::TooLarge)
                    }
                    Some(Reply::Answer { status, body }) => (self.now, http(status, &body)),
                }
            }
        }
    }

    fn load(&self, slot: &str) -> Answer {
        match self.slots.get(slot) {
            Some((value, cas)) => Answer::Loaded { value: Some(value.clone()), cas: Cas(*cas) },
            None => Answer::Loaded { value: None, cas: Cas::ABSENT },
        }
    }

    fn store(&mut self, slot: &str, value: &[u8], expected: Cas) -> Answer {
        let there = self.slots.get(slot).map_or(Cas::ABSENT, |(_, cas)| Cas(*cas));
        if there != expected {
            return Answer::Stored(false);
        }
        let next = self.slots.get(slot).map_or(1, |(_, cas)| cas.saturating_add(1));
        self.slots.insert(slot.to_owned(), (value.to_vec(), next));
        Answer::Stored(true)
    }

    /// What a server says next: its last answer stays. A cluster that is there and has no such path says 404.
    fn called(&mut self, cluster: &str, path: &[u8]) -> Option<Reply> {
        let mut known = false;
        for (server, said) in self.servers.iter_mut().filter(|(server, _)| server.cluster == cluster) {
            known = true;
            if server.path.as_bytes() == path {
                let last = server.answers.len().saturating_sub(1);
                let reply = server.answers.get((*said).min(last)).cloned();
                *said = said.saturating_add(1);
                return reply;
            }
        }
        known.then(|| Reply::Answer { status: 404, body: Vec::new() })
    }
}

fn http(status: u16, body: &[u8]) -> Answer {
    let mut headers = Headers::builder();
    headers.push(b":status", status.to_string().as_bytes());
    Answer::Http { status, headers: headers.build(), body: body.to_vec() }
}
