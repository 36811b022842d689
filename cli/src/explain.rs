//! `meshward explain`: what a code or a reason means, from pages that are built in.

mod page;

use std::io::Write;

use meshward_config::closest;
use meshward_model::{Code, Reason};

use crate::console::{Console, Ink};
use crate::exit::Exit;
use crate::failure::Failure;

/// Arguments of `explain`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  meshward explain MW0103                  a code that lint, or a proxy's log, has printed
  meshward explain authz.no_allow_match    a reason that an event or an access log names
  meshward explain                         all codes and reasons, a line each")]
pub(crate) struct Args {
    /// A code (`MW` and four digits) or a reason; without it, all are listed
    #[arg(value_name = "CODE|REASON")]
    what: Option<String>,
}

pub(crate) fn run(args: Args, console: &mut Console) -> Result<Exit, Failure> {
    let Some(what) = args.what else {
        list(console)?;
        return Ok(Exit::Yes);
    };
    // As it may have been pasted: `error[MW0103]`.
    let what = what.trim().trim_start_matches("error").trim_start_matches("warning");
    let what = what.trim_matches(['`', '[', ']', ':']);
    let (name, title) = if let Some(code) = Code::parse(what) {
        (code.to_string(), code.title().to_owned())
    } else if let Some(reason) = Reason::ALL.iter().find(|reason| reason.code() == what) {
        (reason.code().to_owned(), flat(reason.meaning()))
    } else {
        return Err(unknown(what));
    };
    let text = page::find(&name).ok_or_else(|| Failure::Bug(format!("there is no page for `{name}`")))?;
    let name = console.ink(Ink::Strong, &name);
    writeln!(console.out(), "{name}: {title}\n")?;
    let mut shower = page::Shower::new();
    for line in text.lines() {
        match shower.line(line) {
            Some(page::Line::Text(text)) => writeln!(console.out(), "{text}")?,
            Some(page::Line::Example(text)) => {
                let text = console.ink(Ink::Note, &format!("    {text}"));
                writeln!(console.out(), "{}", text.trim_end())?;
            }
            None => {}
        }
    }
    Ok(Exit::Yes)
}

fn list(console: &mut Console) -> Result<(), Failure> {
    for code in Code::ALL {
        let name = console.ink(Ink::Strong, &code.to_string());
        writeln!(console.out(), "{name}  {}", code.title())?;
    }
    for reason in Reason::ALL {
        let name = console.ink(Ink::Strong, reason.code());
        writeln!(console.out(), "{name}  {}", flat(reason.meaning()))?;
    }
    Ok(())
}

/// On one line, without a final period.
fn flat(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").trim_end_matches('.').to_owned()
}

fn unknown(what: &str) -> Failure {
    let codes: Vec<String> = Code::ALL.iter().map(ToString::to_string).collect();
    let reasons = Reason::ALL.iter().map(|reason| reason.code());
    let help = match closest(what, codes.iter().map(String::as_str).chain(reasons)) {
        Some(near) => format!("did you mean `{near}`? `meshward explain` lists all"),
        None => "`meshward explain` lists all".to_owned(),
    };
    Failure::usage(format!("`{what}` is neither a code nor a reason"), help)
}

#[cfg(test)]
mod tests;
