//! One demo at a time, left running on request: the pid file, the curls to try, the end.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use meshward_harness::poll;

use super::issuer::{Bearer, Generation};
use super::mesh::{Mesh, Proxy};
use super::script::{Call, How};
use super::table::BOLD;
use super::workload::{Caller, Workload};
use crate::process::Call as Program;
use crate::{interrupt, paths, show};

/// A demo ends within this time after it was asked to.
const END_WITHIN: Duration = Duration::from_secs(60);
/// Where a token to try is, beside the certificates, and how long it is good.
const TOKEN_FILE: &str = "alice.jwt";
const TOKEN_SECONDS: i64 = 8 * 3600;
/// How often a wait for Ctrl-C looks.
const LOOK: Duration = Duration::from_millis(40);

/// The mark of a running demo; dropping it takes it away.
pub(super) struct Running {
    file: PathBuf,
}

impl Running {
    /// Says that this process is the demo in `dir`, which is emptied. Fails where another one runs.
    pub(super) fn claim(dir: &Path) -> Result<Self> {
        let file = pid_file(dir);
        if let Some(pid) = alive(&file) {
            bail!("a demo is running already (process {pid}); end it with `cargo xtask demo --stop`");
        }
        if dir.exists() {
            std::fs::remove_dir_all(dir).with_context(|| format!("could not empty {}", dir.display()))?;
        }
        std::fs::create_dir_all(dir).with_context(|| format!("could not create {}", dir.display()))?;
        std::fs::write(&file, std::process::id().to_string())
            .with_context(|| format!("could not write {}", file.display()))?;
        Ok(Self { file })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // A mark that stays names a process that is gone, which the next demo sees.
        drop(std::fs::remove_file(&self.file));
    }
}

/// Ends the demos that were left running, and nothing else.
pub(super) fn stop() -> Result<ExitCode> {
    let running = [false, true].map(|docker| pid_file(&dir(docker))).into_iter();
    let running: Vec<(PathBuf, u32)> =
        running.filter_map(|file| alive(&file).map(|pid| (file, pid))).collect();
    if running.is_empty() {
        show::progress("no demo is running");
    }
    for (file, pid) in running {
        Program::new("sh").args(["-c", "kill -TERM \"$1\"", "stop", &pid.to_string()]).output()?;
        poll::until("the demo to end", END_WITHIN, || alive(&file).is_none().then_some(()))
            .with_context(|| format!("process {pid} was asked to end; look at it before you kill it"))?;
        show::progress(&format!("the demo (process {pid}) has ended"));
    }
    Ok(ExitCode::SUCCESS)
}

/// Waits for Ctrl-C or `--stop`.
pub(super) fn wait() -> Result<()> {
    interrupt::listen()?;
    while !interrupt::is_asked() {
        std::thread::sleep(LOOK);
    }
    show::progress("\nthe mesh is going down");
    Ok(())
}

/// Prints what to try against the running mesh.
pub(super) fn print_curls(mesh: &Mesh) -> Result<()> {
    show::heading("The mesh is running; try, in another terminal");
    let folder = mesh.dir.join("certs");
    show::progress(&format!("\n  cd {}", folder.display()));
    let web = Caller::Of(Workload::Web);
    // The first key has been withdrawn by now.
    let alice = Bearer::alice("orders").signed_by(Generation::Second);
    let token = folder.join(TOKEN_FILE);
    std::fs::write(&token, mesh.services.issuer.mint(&alice, TOKEN_SECONDS))
        .with_context(|| format!("could not write {}", token.display()))?;
    let cancel = |from| {
        Call::new(from, How::OwnCert, Workload::Orders, "PUT", "/orders/42/cancellation").bearing(alice)
    };
    let tries = [
        ("web may read orders (200)", Call::new(web, How::OwnCert, Workload::Orders, "GET", "/orders/42")),
        ("but not administer (403)", Call::new(web, How::OwnCert, Workload::Orders, "GET", "/admin/users")),
        ("not even so (400)", Call::new(web, How::OwnCert, Workload::Orders, "GET", "//admin/users")),
        (
            "the same call through web's own sidecar (403)",
            Call::new(web, How::Sidecar, Workload::Orders, "GET", "/admin/users"),
        ),
        ("web may cancel an order for alice (200)", cancel(web)),
        ("who stole her token may not (403)", cancel(Caller::Reports)),
        (
            "another authority's certificate (no TLS)",
            Call::new(Caller::Mallory, How::ForeignCa, Workload::Orders, "GET", "/orders/42"),
        ),
        (
            "a customer (200)",
            Call::new(Caller::Customer, How::NoCert, Workload::Gateway, "GET", "/shop/cart"),
        ),
        (
            "the kubelet (200)",
            Call::new(Caller::Kubelet, How::ProbePort, Workload::Orders, "GET", "/healthz"),
        ),
    ];
    for (about, call) in tries {
        show::progress(&format!("\n  # {about}\n  {}", curl(mesh, &call)?));
    }
    let log = mesh.member(Workload::Orders)?.envoy().dir().join("envoy.log");
    show::progress(&format!("\n  # what orders' Envoy says meanwhile\n  tail -f {}", log.display()));
    for workload in Workload::ALL {
        let member = mesh.member(workload)?;
        let address = member.envoy().admin_address();
        show::progress(&match &member.proxy {
            Proxy::Process(envoy) => {
                format!(
                    "  # {:<8} admin interface http://{address}  process {}",
                    workload.name(),
                    envoy.pid()
                )
            }
            Proxy::Container(_) => format!("  # {:<8} counters http://{address}/stats", workload.name()),
        });
    }
    if let Some(containers) = &mesh.containers {
        let root = paths::root();
        show::progress(&format!(
            "\n  # the containers\n  cd {}\n  {} ps",
            root.display(),
            containers.words()
        ));
    }
    anstream::println!("\n{BOLD}Ctrl-C ends it, or `cargo xtask demo --stop` from elsewhere.{BOLD:#}");
    Ok(())
}

/// The call as a command line, to be run where the certificates are.
fn curl(mesh: &Mesh, call: &Call) -> Result<String> {
    let address = mesh.address(call)?;
    let mut line = "curl -i --path-as-is".to_owned();
    if call.method != "GET" {
        line.push_str(&format!(" -X {}", call.method));
    }
    if call.bearer.is_some() {
        line.push_str(&format!(" -H \"authorization: Bearer $(cat {TOKEN_FILE})\""));
    }
    let identity = match call.how {
        How::OwnCert => Some(call.from.name()),
        How::ForeignCa => Some("foreign"),
        How::Expired => Some("expired"),
        How::Sidecar | How::NoCert | How::Plaintext | How::ProbePort => None,
    };
    if let Some(name) = identity {
        line.push_str(&format!(" --cert {name}.crt --key {name}.key"));
    }
    let plain = matches!(call.how, How::Sidecar | How::Plaintext | How::ProbePort);
    let (scheme, port) = if plain { ("http", 80) } else { ("https", 443) };
    if !plain {
        line.push_str(" --cacert root.crt");
    }
    line.push_str(&format!(
        " --connect-to {host}:{port}:{address} {scheme}://{host}{path}",
        host = call.host,
        path = call.path
    ));
    Ok(line)
}

fn pid_file(dir: &Path) -> PathBuf {
    dir.join("pid")
}

/// The process that the file names, if it is a demo of ours that still runs.
fn alive(file: &Path) -> Option<u32> {
    let pid: u32 = std::fs::read_to_string(file).ok()?.trim().parse().ok()?;
    let command = std::fs::read(PathBuf::from(format!("/proc/{pid}/cmdline"))).ok()?;
    let words: Vec<&[u8]> = command.split(|byte| *byte == 0).collect();
    let program = words.first().is_some_and(|program| program.ends_with(b"xtask"));
    (program && words.contains(&b"demo".as_slice())).then_some(pid)
}

/// Where the demo keeps its files.
pub(super) fn dir(docker: bool) -> PathBuf {
    paths::work().join(if docker { "demo-docker" } else { "demo" })
}
