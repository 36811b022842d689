//! A `meshward run` that listens on a free port, and what it prints.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use meshward_harness::client::Client;
use meshward_harness::poll;

/// A module is compiled first, on a machine that may be busy.
const WITHIN: Duration = Duration::from_secs(60);

/// Where the examples are.
pub(crate) fn policies() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../policies")
}

/// The real module.
pub(crate) fn module() -> String {
    module_named("authz")
}

/// A module that `cargo xtask build` makes.
pub(crate) fn module_named(name: &str) -> String {
    let folder = std::env::var_os("MESHWARD_MODULES")
        .expect("MESHWARD_MODULES is not set: run `cargo xtask test --only unit`");
    PathBuf::from(folder).join(name).with_extension("wasm").display().to_string()
}

fn command() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_meshward"));
    command.current_dir(policies());
    command
}

/// Runs it to its end.
pub(crate) fn meshward(arguments: &[&str]) -> Output {
    command().args(arguments).output().expect("the command starts")
}

/// A policy of one document in a file of its own.
pub(crate) fn policy_file(name: &str, spec: &str) -> String {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("run-{name}.yaml"));
    let path = dir.display().to_string();
    write_policy(&path, spec);
    path
}

/// Writes it anew.
pub(crate) fn write_policy(path: &str, spec: &str) {
    let text = format!(
        "apiVersion: meshward.io/v1alpha1\nkind: PluginConfig\npeerVerifiedBy: transport\ndocuments:\n  - apiVersion: meshward.io/v1alpha1\n    \
         kind: AccessPolicy\n    metadata: {{name: it, namespace: shop}}\n    spec: {spec}\n"
    );
    std::fs::write(path, text).expect("the policy is written");
}

/// The running command; dropping it ends it.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    lines: Receiver<String>,
    said: Receiver<String>,
}

impl Server {
    /// Starts it with these arguments, the real module and a free port.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_with(&module(), arguments)
    }

    /// Starts it with another module.
    pub(crate) fn start_with(module: &str, arguments: &[&str]) -> Self {
        let mut child = command()
            .arg("run")
            .args(arguments)
            .args(["--listen", "127.0.0.1:0", "--module", module])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the command starts");
        let lines = reading(child.stdout.take().expect("a pipe"));
        let said = reading(child.stderr.take().expect("a pipe"));
        let first = lines.recv_timeout(WITHIN).unwrap_or_else(|_| {
            panic!("it did not start: {:?}", said.try_iter().collect::<Vec<_>>());
        });
        let address = first.split("://").nth(1).and_then(|rest| rest.split(',').next());
        let address = address.and_then(|address| address.parse().ok());
        Self { child, address: address.unwrap_or_else(|| panic!("no address in {first}")), lines, said }
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// A client in plaintext.
    pub(crate) fn client(&self) -> Client {
        Client::plain(self.address)
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The next line on standard output.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(WITHIN).expect("a line in time")
    }

    /// Waits until something is said on standard error.
    pub(crate) fn wait_said(&self, words: &str) {
        poll::until(words, WITHIN, || self.said.try_iter().find(|line| line.contains(words)))
            .expect("it is said");
    }

    /// How it ended.
    pub(crate) fn exit_code(&mut self) -> Option<i32> {
        let ended = poll::until("the end", WITHIN, || self.child.try_wait().ok().flatten());
        ended.expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn reading(from: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
