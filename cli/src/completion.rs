//! `meshward completion`: what a shell needs to complete our command line.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::arguments::Arguments;
use crate::console::Console;
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `completion`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  meshward completion bash > ~/.local/share/bash-completion/completions/meshward
  meshward completion zsh > \"${fpath[1]}/_meshward\"
  meshward completion fish > ~/.config/fish/completions/meshward.fish")]
pub(crate) struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

#[expect(clippy::needless_pass_by_value, reason = "all subcommands are called alike")]
pub(crate) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    clap_complete::generate(args.shell, &mut Arguments::command(), "meshward", console.out());
    Ok(Exit::Yes)
}
