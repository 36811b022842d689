//! A configured plugin with what it remembers, whichever it is: what the native door moves requests through.

use meshward_model::{
    Answer, Done, Edits, End, EndNeeds, Head, Needs, Node, Plugin, Refusal, Report, Request, Seed, Seen,
    Step, Ticket, UnixMillis, Verdict,
};
use meshward_pipeline::split::{self, Part};
use meshward_pipeline::{Authn, Authz, Guard, Ratelimit, Sentinel};

/// What chance there is: cases come out alike each time.
const SEED: Seed = Seed(0x6d65_7368_7761_7264);

/// How a configuration is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Form {
    /// One plugin does everything.
    Guard,
    /// A chain of plugins, each with its part.
    Apart,
}

impl Form {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Guard, Self::Apart];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Apart => "apart",
        }
    }
}

/// Which plugin.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Which {
    /// `guard`.
    Guard,
    /// One of those that do the same apart.
    Apart(split::Plugin),
}

/// A plugin of the chain and its configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The plugin.
    pub which: Which,
    /// JSON text.
    pub configuration: String,
}

impl Which {
    /// The module that it is an instance of.
    pub const fn module(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Apart(plugin) => plugin.module(),
        }
    }

    /// Its name in a chain.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Guard => "guard",
            Self::Apart(plugin) => plugin.name(),
        }
    }
}

/// The plugins that a configuration of `guard` is run by, in the order in which requests meet them.
///
/// # Errors
/// A configuration that cannot be split.
pub fn chain(configuration: &str, form: Form) -> Result<Vec<Link>, Refusal> {
    match form {
        Form::Guard => Ok(vec![Link { which: Which::Guard, configuration: configuration.to_owned() }]),
        Form::Apart => {
            let link =
                |Part { plugin, configuration, .. }| Link { which: Which::Apart(plugin), configuration };
            Ok(split::split(configuration)?.into_iter().map(link).collect())
        }
    }
}

/// Which doors the plugin has; see [`Plugin`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Doors {
    pub(crate) asks: bool,
    pub(crate) responds: bool,
    pub(crate) observes: bool,
}

/// [`Plugin`] with its state, so that different plugins stand in one chain.
pub(crate) trait Played {
    fn doors(&self) -> Doors;
    fn needs(&self) -> Needs;
    fn decide(&mut self, head: Head, now: UnixMillis) -> (Box<Request>, Step);
    fn answer(
        &mut self,
        ticket: Ticket,
        answer: Answer,
        waiting: &mut [&mut Request],
        now: UnixMillis,
    ) -> Done;
    fn respond(&mut self, seen: &Seen, now: UnixMillis) -> Edits;
    fn witness(&self, head: Head) -> Option<Seen>;
    fn end_needs(&self, seen: &Seen, status: Option<u16>) -> EndNeeds;
    fn observe(&mut self, seen: &Seen, end: &End, now: UnixMillis) -> Done;
    fn tick_period_millis(&self) -> u32;
    fn tick(&mut self, now: UnixMillis) -> Done;
    fn wants(&self, verdict: &Verdict) -> Needs;
    fn report(&mut self, request: &Request, more: &Head, verdict: &Verdict, now: UnixMillis) -> Report;
}

/// Configures a plugin.
///
/// # Errors
/// The plugin's refusal.
pub(crate) fn configure(link: &Link, node: &Node) -> Result<Box<dyn Played>, Refusal> {
    let configuration = link.configuration.as_bytes();
    match link.which {
        Which::Guard => playing::<Guard>(configuration, node),
        Which::Apart(split::Plugin::Sentinel) => playing::<Sentinel>(configuration, node),
        Which::Apart(split::Plugin::Penalty | split::Plugin::Quota) => {
            playing::<Ratelimit>(configuration, node)
        }
        Which::Apart(split::Plugin::Authn) => playing::<Authn>(configuration, node),
        Which::Apart(split::Plugin::Authz) => playing::<Authz>(configuration, node),
    }
}

struct Playing<P: Plugin> {
    plugin: P,
    state: P::State,
}

fn playing<P: Plugin>(configuration: &[u8], node: &Node) -> Result<Box<dyn Played>, Refusal> {
    let plugin = P::configure(configuration, node)?;
    let state = plugin.state(SEED);
    Ok(Box::new(Playing { plugin, state }))
}

impl<P: Plugin> Played for Playing<P> {
    fn doors(&self) -> Doors {
        Doors { asks: P::ASKS, responds: P::RESPONDS, observes: P::OBSERVES }
    }

    fn needs(&self) -> Needs {
        self.plugin.needs()
    }

    fn decide(&mut self, head: Head, now: UnixMillis) -> (Box<Request>, Step) {
        self.plugin.decide(&mut self.state, head, now)
    }

    fn answer(
        &mut self,
        ticket: Ticket,
        answer: Answer,
        waiting: &mut [&mut Request],
        now: UnixMillis,
    ) -> Done {
        self.plugin.answer(&mut self.state, ticket, answer, waiting, now)
    }

    fn respond(&mut self, seen: &Seen, now: UnixMillis) -> Edits {
        self.plugin.respond(&mut self.state, seen, now)
    }

    fn witness(&self, head: Head) -> Option<Seen> {
        if P::WATCHES { self.plugin.witness(head) } else { None }
    }

    fn end_needs(&self, seen: &Seen, status: Option<u16>) -> EndNeeds {
        self.plugin.end_needs(seen, status)
    }

    fn observe(&mut self, seen: &Seen, end: &End, now: UnixMillis) -> Done {
        self.plugin.observe(&mut self.state, seen, end, now)
    }

    fn tick_period_millis(&self) -> u32 {
        self.plugin.tick_period_millis()
    }

    fn tick(&mut self, now: UnixMillis) -> Done {
        self.plugin.tick(&mut self.state, now)
    }

    fn wants(&self, verdict: &Verdict) -> Needs {
        self.plugin.wants(verdict)
    }

    fn report(&mut self, request: &Request, more: &Head, verdict: &Verdict, now: UnixMillis) -> Report {
        self.plugin.report(&mut self.state, Some(request), more, verdict, now)
    }
}
