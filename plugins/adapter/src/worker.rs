//! One worker's VM: its configured plugins, its streams, and what each callback of the proxy does.

use meshward_model::{Answer, Plugin, Reason, RequestId, Severity, Verdict};

use crate::act::{self, Acts, Stuck};
use crate::asked::Way;
use crate::hostcalls::{self, Token};
use crate::parked::MAX_PARKED;
use crate::report::log;
use crate::root::Root;
use crate::streams::Streams;
use crate::{read, wire};

/// What the proxy does with the stream after a callback; the numbers are the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// The request goes on.
    Continue = 0,
    /// The request stops here, head and body. The ABI's plain pause (1) stops the head only where the plugin's configuration says
    /// `allow_on_headers_stop_iteration`, and then the first byte of a body would let the whole request go on.
    Pause = 4,
}

/// A worker's VM. Several configurations of one module may share it (Istio gives them one `vm_id`), each under a root context of
/// its own.
pub struct Worker<P: Plugin> {
    roots: Vec<Root<P>>,
    streams: Streams,
}

impl<P: Plugin> Worker<P> {
    /// A VM in which nothing has happened yet.
    #[must_use]
    #[expect(clippy::new_without_default, reason = "a constant, for a static")]
    pub const fn new() -> Self {
        Self { roots: Vec::new(), streams: Streams::new() }
    }

    /// A context begins: a root (`parent` is 0) or a stream under a root.
    pub fn create(&mut self, id: u32, parent: u32) {
        if parent != 0 {
            self.streams.insert(id, parent);
        } else {
            self.create_root(id);
        }
    }

    #[cold]
    fn create_root(&mut self, id: u32) {
        if find(&mut self.roots, id).is_none() {
            self.roots.push(Root::new(id));
        }
    }

    /// A context ends; what it waited for is nobody's any more.
    pub fn delete(&mut self, id: u32) {
        match self.streams.remove(id) {
            None => self.delete_root(id),
            Some(root) if P::ASKS => {
                if let Some(root) = find(&mut self.roots, root) {
                    root.forget(RequestId(id));
                }
            }
            Some(_) => {}
        }
    }

    #[cold]
    fn delete_root(&mut self, id: u32) {
        let Some(at) = self.roots.iter().position(|root| root.id == id) else { return };
        let root = self.roots.remove(at);
        if P::ASKS {
            // The host keeps a timer when its root goes, and would set it again for ever.
            let _ = hostcalls::set_tick_period(0);
            root.end(&mut self.roots);
        }
    }

    /// A root gets its configuration of `size` bytes. `false` refuses it, and whatever it had before stays.
    ///
    /// Only what the configuration says is ever refused, never what the host fails to do: every worker must answer as the canary
    /// did. Where a worker answers `false` after the canary's `true`, Envoy leaves the filter out of that worker's chains, and
    /// every request passes (`createContext` gives nothing where the handle is null). So a root without a configuration is
    /// taken, and refuses each of its requests.
    pub fn configure(&mut self, id: u32, size: usize) -> bool {
        let configuration = match hostcalls::plugin_configuration(size) {
            Ok(configuration) => configuration,
            Err(status) => {
                let line =
                    format!("meshward: the proxy does not hand the configuration over (status {})", status.0);
                log(Severity::Error, &line);
                self.create(id, 0);
                return true;
            }
        };
        let node = match read::node() {
            Ok(node) => node,
            Err(status) => {
                let line = format!("meshward: the proxy does not say whose it is (status {})", status.0);
                log(Severity::Error, &line);
                self.create(id, 0);
                return true;
            }
        };
        match P::configure(&configuration, &node) {
            Ok(plugin) => {
                self.create(id, 0);
                if let Some(root) = find(&mut self.roots, id) {
                    root.configure(plugin);
                }
                true
            }
            Err(refusal) => {
                for problem in &refusal.problems {
                    log(Severity::Error, &format!("meshward: configuration refused: {problem}"));
                }
                false
            }
        }
    }

    /// Request headers are there.
    pub fn request_headers(&mut self, id: u32) -> Action {
        let root = self.streams.root(id);
        let most = self.most(root);
        match find(&mut self.roots, root) {
            Some(root) => root.request_headers(RequestId(id), most, &mut self.streams),
            None => refuse(Reason::NotConfigured),
        }
    }

    /// Response headers are there.
    pub fn response_headers(&mut self, id: u32) {
        let root = self.streams.root(id);
        if let (Some(root), Some(seen)) = (find(&mut self.roots, root), self.streams.seen(id)) {
            root.response_headers(seen);
        }
    }

    /// A request is over.
    pub fn ended(&mut self, id: u32) {
        let root = self.streams.root(id);
        let most = self.most(root);
        if let Some(root) = find(&mut self.roots, root)
            && root.observes()
        {
            let seen = self.streams.take(id);
            root.ended(RequestId(id), seen, most);
        }
    }

    /// A root's timer fired.
    pub fn tick(&mut self, id: u32) -> Acts {
        let most = self.most(id);
        let streams = &mut self.streams;
        find(&mut self.roots, id).map_or(Acts::none(), |root| root.tick(most, streams))
    }

    /// An HTTP call of a root ended: so many headers (none: no answer) and bytes of body.
    pub fn http_answered(&mut self, id: u32, token: u32, headers: u32, body_bytes: usize) -> Acts {
        let call = (Way::Http, Token(token));
        self.answered(id, call, |asked| wire::http(asked, headers, body_bytes))
    }

    /// A gRPC call of a root ended with a message of so many bytes and status 0.
    pub fn grpc_answered(&mut self, id: u32, token: u32, bytes: usize) -> Acts {
        self.answered(id, (Way::Grpc, Token(token)), |asked| wire::grpc(asked, bytes))
    }

    /// A gRPC call of a root ended without a message, or with another status than 0.
    pub fn grpc_failed(&mut self, id: u32, token: u32) -> Acts {
        self.answered(id, (Way::Grpc, Token(token)), |_| Answer::Failed)
    }

    /// A request that was to go on is refused instead, since the proxy did not let it: writes that down.
    pub fn stuck(&mut self, stuck: Stuck) {
        let root = self.streams.root(stuck.request.0);
        if let Some(root) = find(&mut self.roots, root) {
            root.stuck(stuck, &mut self.streams);
        }
    }

    fn answered(
        &mut self,
        id: u32,
        call: (Way, Token),
        read: impl FnOnce(&crate::asked::Asked) -> Answer,
    ) -> Acts {
        let most = self.most(id);
        let streams = &mut self.streams;
        find(&mut self.roots, id).map_or(Acts::none(), |root| root.answered(call, most, read, streams))
    }

    /// How many requests this root may have parked: what the others leave of the worker's.
    fn most(&self, id: u32) -> usize {
        if !P::ASKS {
            return 0;
        }
        let others = self.roots.iter().filter(|root| root.id != id).map(|root| root.pending.len());
        MAX_PARKED.saturating_sub(others.sum())
    }
}

fn find<P: Plugin>(roots: &mut [Root<P>], id: u32) -> Option<&mut Root<P>> {
    roots.iter_mut().find(|root| root.id == id)
}

/// The one fallback: there is nothing to decide by, so the answer is no.
#[cold]
pub(crate) fn refuse(reason: Reason) -> Action {
    log(Severity::Error, &format!("meshward: request refused: {reason}"));
    act::carry_out(&Verdict::deny(reason, None), &format!("meshward_denied[{reason}]"))
}

/// What a callback answers when the worker's state cannot be had, which must not happen.
pub fn refuse_internal() -> Action {
    refuse(Reason::Internal)
}
