//! How an Envoy is started: described, written to its directory, run, waited for.

use super::process::Process;
use super::{Directory, Envoy, View, in_directory, logs};
use crate::client::{Client, RawRequest};
use crate::config::{Bootstrap, Delivery, LISTENERS_FILE, discovery_text};
use crate::poll;
use std::fs::{self, File};
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

const CONFIG_FILE: &str = "envoy.json";
const ADMIN_FILE: &str = "admin-address";
/// Laid over the configuration by Envoy itself, so that text from elsewhere gets it, too.
const ADMIN_ON_LOOPBACK: &str =
    r#"{"admin":{"address":{"socket_address":{"address":"127.0.0.1","port_value":0}}}}"#;
/// Compiling a large module on a busy machine takes seconds.
const READY_WITHIN: Duration = Duration::from_secs(60);

/// Why an Envoy does not run.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The binary cannot be run, or a file cannot be written.
    #[error("cannot start Envoy ({what}): {source}")]
    Io {
        /// What was tried.
        what: String,
        /// Why not.
        source: io::Error,
    },
    /// Envoy ended by itself, as it does with 1 when it refuses its first configuration.
    #[error("Envoy ended with {code:?} before it was ready; its log ends:\n{log_tail}")]
    Exited {
        /// The exit code; none: killed by a signal.
        code: Option<i32>,
        /// The log's last lines.
        log_tail: String,
        /// The whole log.
        log: Vec<String>,
    },
    /// Envoy runs but is not ready.
    #[error("Envoy was not ready within {waited:?}; its log ends:\n{log_tail}")]
    NotReady {
        /// How long it was given.
        waited: Duration,
        /// The log's last lines.
        log_tail: String,
    },
}

/// Describes an Envoy; [`Builder::start`] runs it.
#[derive(Debug, Clone)]
pub struct Builder {
    binary: PathBuf,
    config: String,
    listeners: Option<String>,
    concurrency: u32,
    log_levels: Vec<String>,
    cpu: Option<u32>,
    dir: Option<PathBuf>,
    ready_within: Duration,
    arguments: Vec<String>,
}

impl Builder {
    pub(super) fn new(binary: &Path) -> Self {
        Self {
            binary: binary.to_owned(),
            config: "{}".to_owned(),
            listeners: None,
            concurrency: 1,
            log_levels: Vec::new(),
            cpu: None,
            dir: None,
            ready_within: READY_WITHIN,
            arguments: Vec::new(),
        }
    }

    /// A configuration as YAML or JSON text; [`crate::config::DIR`] in it becomes Envoy's directory. Its admin address is
    /// replaced by a free port on loopback.
    #[must_use]
    pub fn config(mut self, text: impl Into<String>) -> Self {
        self.config = text.into();
        self.listeners = None;
        self
    }

    /// A configuration of typed values.
    #[must_use]
    pub fn bootstrap(mut self, bootstrap: &Bootstrap) -> Self {
        self.config = bootstrap.to_text();
        self.listeners = match bootstrap.delivery {
            Delivery::Static => None,
            Delivery::Watched => Some(discovery_text(&bootstrap.listeners, 0)),
        };
        self
    }

    /// Workers; one unless said otherwise.
    #[must_use]
    pub fn concurrency(mut self, workers: u32) -> Self {
        self.concurrency = workers;
        self
    }

    /// One component's log level, such as `wasm:debug`; the rest is at `info`.
    #[must_use]
    pub fn component_log_level(mut self, level: &str) -> Self {
        self.log_levels.push(level.to_owned());
        self
    }

    /// Binds the whole process to one CPU (through `taskset`), for measurements.
    #[must_use]
    pub fn cpu(mut self, number: u32) -> Self {
        self.cpu = Some(number);
        self
    }

    /// Keeps its files here instead of in a temporary directory that goes with it.
    #[must_use]
    pub fn dir(mut self, path: &Path) -> Self {
        self.dir = Some(path.to_owned());
        self
    }

    /// How long it may take to be ready.
    #[must_use]
    pub fn ready_within(mut self, within: Duration) -> Self {
        self.ready_within = within;
        self
    }

    /// One more argument on Envoy's command line.
    #[must_use]
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Runs it and waits until it is ready to take requests.
    pub fn start(self) -> Result<Envoy, StartError> {
        let dir = self
            .prepare()
            .map_err(|source| StartError::Io { what: "writing its files".to_owned(), source })?;
        let binary = |source| StartError::Io { what: format!("running `{}`", self.binary.display()), source };
        let mut command = self.command(dir.path()).map_err(binary)?;
        let mut process = Process::start(&mut command).map_err(binary)?;
        let mut code = None;
        let ready = poll::until("Envoy to be ready", self.ready_within, || {
            if let Some(status) = process.exited() {
                code = Some(status.code());
                return Some(None);
            }
            ready_at(dir.path()).map(Some)
        });
        match ready {
            Ok(Some(admin)) => {
                let view = View::new(dir.path().to_owned(), admin);
                Ok(Envoy { process, dir, view, version_pushed: 0 })
            }
            Ok(None) => Err(StartError::Exited {
                code: code.flatten(),
                log_tail: logs::tail(dir.path()),
                log: logs::whole(dir.path()),
            }),
            Err(late) => Err(StartError::NotReady { waited: late.waited, log_tail: logs::tail(dir.path()) }),
        }
    }

    fn prepare(&self) -> io::Result<Directory> {
        let dir = match &self.dir {
            Some(path) => {
                fs::create_dir_all(path)?;
                Directory::Kept(path.canonicalize()?)
            }
            None => Directory::Temporary(tempfile::Builder::new().prefix("meshward-envoy-").tempdir()?),
        };
        let path = dir.path();
        drop(fs::remove_file(path.join(ADMIN_FILE)));
        fs::write(path.join(CONFIG_FILE), in_directory(&self.config, path))?;
        if let Some(listeners) = &self.listeners {
            fs::create_dir_all(path.join("lds"))?;
            fs::write(path.join("lds").join(LISTENERS_FILE), in_directory(listeners, path))?;
        }
        Ok(dir)
    }

    fn command(&self, dir: &Path) -> io::Result<Command> {
        let mut command = match self.cpu {
            None => Command::new(&self.binary),
            Some(cpu) => {
                // taskset becomes Envoy, so the process id stays.
                let mut command = Command::new("taskset");
                command.args(["--cpu-list", &cpu.to_string()]).arg(&self.binary);
                command
            }
        };
        let log = File::create(dir.join(logs::LOG_FILE))?;
        command
            .arg("--config-path")
            .arg(dir.join(CONFIG_FILE))
            .args(["--config-yaml", ADMIN_ON_LOOPBACK])
            .arg("--admin-address-path")
            .arg(dir.join(ADMIN_FILE))
            .args(["--concurrency", &self.concurrency.to_string()])
            .args(["--disable-hot-restart", "--log-level", "info"])
            // Access logs are written soon, so that a test need not wait for them.
            .args([
                "--file-flush-interval-msec",
                "50",
                "--drain-time-s",
                "1",
                "--parent-shutdown-time-s",
                "2",
            ])
            .args(&self.arguments)
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log);
        if !self.log_levels.is_empty() {
            command.args(["--component-log-level", &self.log_levels.join(",")]);
        }
        Ok(command)
    }
}

/// The admin address, once Envoy says that it is live and its workers have their listeners.
fn ready_at(dir: &Path) -> Option<SocketAddr> {
    let admin: SocketAddr = fs::read_to_string(dir.join(ADMIN_FILE)).ok()?.trim().parse().ok()?;
    let mut client = Client::plain(admin);
    let live = client.send(&RawRequest::get("/ready")).ok()?.status == 200;
    let started = client.send(&RawRequest::get("/stats?filter=listener_manager.workers_started")).ok()?;
    (live && started.text().contains("workers_started: 1")).then_some(admin)
}
