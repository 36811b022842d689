//! `meshward run`: serves a policy with the real module, in front of an upstream or of an echo.

mod callout;
mod driver;
mod head;
mod held;
mod listener;
mod mint;
mod module;
mod native;
mod outgoing;
mod printer;
mod relay;
mod service;
mod tls;
mod told;
mod watch;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tokio::sync::mpsc;

use crate::console::{Console, Ink};
use crate::exit::Exit;
use crate::failure::Failure;
use crate::policy;
use crate::workload::Workload;
use listener::{Identity, Listening};
use relay::Upstream;
use service::Service;

const EXAMPLES: &str = "\
Examples:
  meshward run policies/default-deny --as shop/web        then: curl -i http://127.0.0.1:8080/orders/7
  meshward run policy.yaml --mint certs                   mTLS with throwaway certificates, and curls to paste
  meshward run policy.yaml --upstream http://127.0.0.1:3000 -v

Standard output has a line for each request: method, path, caller, verdict, and the rule or the reason.
The policy is read again when its file changes; one that is refused changes nothing.";

/// Arguments of `run`.
#[derive(Debug, clap::Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// The policy: a PluginConfig, or a folder with a `policy.yaml`
    #[arg(value_name = "POLICY")]
    path: PathBuf,
    /// Where allowed requests go; an echo that answers with what arrived, when left out
    #[arg(long, value_name = "URL")]
    upstream: Option<String>,
    /// Where to listen: a loopback address
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// Who every caller is: `spiffe://cluster.local/ns/shop/sa/web`, `shop/web`, `anonymous` or `plaintext`
    #[arg(long = "as", value_name = "CALLER", conflicts_with_all = ["tls_cert", "mint"])]
    caller: Option<String>,
    #[command(flatten)]
    workload: Workload,
    /// The port that the policy is told; the one that is listened on, when left out
    #[arg(long, value_name = "PORT")]
    port: Option<u16>,
    /// The certificate (PEM) to serve TLS with; callers are who their certificates say
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    tls_cert: Option<PathBuf>,
    /// Its key (PEM)
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    tls_key: Option<PathBuf>,
    /// Whose client certificates are believed (PEM); without it nobody has an identity
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    client_ca: Option<PathBuf>,
    /// Mint a throwaway authority, a server certificate and one for each caller that the policy names into this folder, and use them
    #[arg(long, value_name = "DIR", conflicts_with = "tls_cert")]
    mint: Option<PathBuf>,
    /// Where the module's own calls go: `jwks=http://127.0.0.1:9000` (may be repeated)
    #[arg(long = "cluster", value_name = "NAME=URL")]
    clusters: Vec<String>,
    /// The module, instead of the one that this binary holds
    #[arg(long, value_name = "FILE")]
    module: Option<PathBuf>,
    /// Also print the module's events
    #[arg(short, long)]
    verbose: bool,
}

pub(crate) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let path = policy_file(&args.path);
    let (policy, node, plugin) = policy::load(&path, &args.workload)?;
    let module = module::load(args.module.as_deref())?;
    let upstream = Upstream::parse(args.upstream.as_deref())?;
    let clusters = callout::Clusters::parse(&args.clusters)?;
    let identity = identity(&args, &policy.json, console)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::input(format!("no runtime: {error}"), ""))?;
    let (tell, told) = mpsc::unbounded_channel();
    let driver = driver::Driver::start(&module, node, policy.json.as_bytes(), clusters, tell)?;
    let bodies = module.bodies();
    tokio::task::LocalSet::new().block_on(&runtime, async {
        let listening = Listening::bind(args.listen, identity).await?;
        let address = listening.address();
        let ends = told::EndSignals::listen()?;
        greet(console, &path, &args, &listening)?;
        let driver = Rc::new(driver);
        let native = Rc::new(native::Native::new(plugin));
        let port = args.port.unwrap_or(address.port());
        let service = Rc::new(Service {
            driver: Rc::clone(&driver),
            native: Rc::clone(&native),
            upstream,
            bodies,
            port,
        });
        tokio::task::spawn_local(Rc::clone(&driver).keep_time());
        tokio::task::spawn_local(watch::watch(
            path.clone(),
            args.workload.clone(),
            policy.json,
            Rc::clone(&driver),
            native,
        ));
        tokio::task::spawn_local(listening.serve(service));
        told::print_until(ends, told, console, args.verbose).await
    })?;
    console.say(format_args!("ended"));
    Ok(Exit::Yes)
}

/// A folder stands for the `policy.yaml` in it.
fn policy_file(path: &Path) -> PathBuf {
    if path.is_dir() { path.join("policy.yaml") } else { path.to_owned() }
}

fn identity(args: &Args, json: &str, console: &mut Console) -> Result<Identity, Failure> {
    if let Some(dir) = &args.mint {
        let minted = mint::mint(dir, json)?;
        let files = minted.files();
        console.say(format_args!("minted certificates, good for a day, in {}", dir.display()));
        return tls::acceptor(&files.cert, &files.key, Some(&files.ca))
            .map(|acceptor| Identity::Tls(acceptor, Some(minted)));
    }
    match (&args.tls_cert, &args.tls_key) {
        (Some(cert), Some(key)) => {
            tls::acceptor(cert, key, args.client_ca.as_deref()).map(|acceptor| Identity::Tls(acceptor, None))
        }
        _ => Identity::fixed(args.caller.as_deref()),
    }
}

/// Says where it is served, and what to type.
fn greet(console: &mut Console, path: &Path, args: &Args, listening: &Listening) -> Result<(), Failure> {
    use std::io::Write;
    let address = listening.address();
    let upstream = args.upstream.as_deref().unwrap_or("an echo");
    let url = listening.url();
    let line = format!("{} on {url}, in front of {upstream}", path.display());
    writeln!(console.out(), "serving {line}")?;
    console.flush()?;
    console.say(format_args!("callers are {}; Ctrl-C ends it", listening.describe()));
    match listening.minted() {
        Some(minted) => {
            for (about, curl) in minted.curls(address.port()) {
                let about = console.ink(Ink::Faint, &format!("# {about}"));
                console.say(format_args!("  {about}\n  {curl}"));
            }
        }
        None if listening.is_tls() => {}
        None => console.say(format_args!("  curl -i {url}/")),
    }
    Ok(())
}
