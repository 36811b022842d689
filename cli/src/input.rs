//! What is read: files, folders, and `-` for standard input.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use meshward_config::MAX_CONFIGURATION_BYTES;

use crate::exclude::Exclude;
use crate::failure::Failure;

/// How deep folders are looked into.
const MAX_DEPTH: usize = 32;

/// What standard input is called.
pub(crate) const STDIN: &str = "<stdin>";

/// One text, and where it came from.
#[derive(Debug)]
pub(crate) struct Input {
    /// What people call it: the path as they gave it, or `<stdin>`.
    pub(crate) name: String,
    /// Its path; `None` for standard input.
    pub(crate) path: Option<PathBuf>,
    /// What it says.
    pub(crate) text: String,
    /// Whether it was named itself, and not found in a folder.
    pub(crate) named: bool,
}

/// Reads everything that was named, in that order. A folder stands for the `.yaml`, `.yml` and `.json` files in it and in its
/// folders (but for hidden ones), sorted; `-` is standard input.
///
/// # Errors
/// [`Failure::Input`] for what cannot be read or is no UTF-8.
pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<Input>, Failure> {
    read_all_but(paths, &Exclude::NOTHING).map(|(inputs, _)| inputs)
}

/// As [`read_all`], without the files that `exclude` takes: they are not opened, and their paths are given back.
///
/// # Errors
/// [`Failure::Input`] for what cannot be read or is no UTF-8.
pub(crate) fn read_all_but(
    paths: &[PathBuf],
    exclude: &Exclude,
) -> Result<(Vec<Input>, Vec<String>), Failure> {
    let mut inputs = Vec::new();
    let mut excluded = Vec::new();
    let mut stdin_read = false;
    for path in paths {
        if path.as_os_str() == "-" {
            if !stdin_read {
                inputs.push(read_stdin()?);
            }
            stdin_read = true;
        } else if path.is_dir() {
            let mut files = Vec::new();
            list(path, 0, &mut files)?;
            for file in files {
                if exclude.takes(&file) {
                    excluded.push(name_of(&file));
                } else {
                    inputs.push(Input { named: false, ..read(&file)? });
                }
            }
        } else if exclude.takes(path) {
            excluded.push(name_of(path));
        } else {
            inputs.push(read(path)?);
        }
    }
    Ok((inputs, excluded))
}

/// What people call a file. A folder that is `.` adds nothing to a name.
fn name_of(path: &Path) -> String {
    path.strip_prefix(".").unwrap_or(path).display().to_string()
}

/// Reads one file, or standard input for `-`.
///
/// # Errors
/// [`Failure::Input`] when it cannot be read or is no UTF-8.
pub(crate) fn read(path: &Path) -> Result<Input, Failure> {
    if path.as_os_str() == "-" {
        return read_stdin();
    }
    let name = name_of(path);
    let file = fs::File::open(path).map_err(|error| unreadable(&name, &error))?;
    let text = read_text(&name, file)?;
    Ok(Input { name, path: Some(path.to_owned()), text, named: true })
}

fn read_stdin() -> Result<Input, Failure> {
    let name = STDIN.to_owned();
    let text = read_text(&name, io::stdin().lock())?;
    Ok(Input { name, path: None, text, named: true })
}

fn read_text(name: &str, from: impl Read) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(MAX_CONFIGURATION_BYTES).unwrap_or(u64::MAX).saturating_add(1);
    from.take(limit).read_to_end(&mut bytes).map_err(|error| unreadable(name, &error))?;
    if bytes.len() > MAX_CONFIGURATION_BYTES {
        return Err(Failure::input(
            format!("`{name}` has more than {MAX_CONFIGURATION_BYTES} bytes, which no plugin reads"),
            "split it by workload",
        ));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        Failure::input(format!("`{name}` is not UTF-8: see byte {at}"), "save it as UTF-8")
    })
}

fn unreadable(name: &str, error: &io::Error) -> Failure {
    let help = if error.kind() == io::ErrorKind::NotFound {
        "check the path; `-` is standard input"
    } else if error.kind() == io::ErrorKind::PermissionDenied {
        "check who may read it"
    } else {
        ""
    };
    Failure::input(format!("cannot read `{name}`: {error}"), help)
}

/// The policies' files below a folder, sorted by path.
fn list(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    if depth > MAX_DEPTH {
        return Err(Failure::input(
            format!("`{}` lies more than {MAX_DEPTH} folders deep", folder.display()),
            "name the folder itself",
        ));
    }
    let failed = |error: io::Error| unreadable(&folder.display().to_string(), &error);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        entries.push((entry.path(), entry.file_type().map_err(failed)?));
    }
    entries.sort_by(|left, right| left.0.cmp(&right.0));
    for (path, kind) in entries {
        let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
        if hidden {
            continue;
        }
        // A link to a folder is not followed: it may lead back up.
        if kind.is_dir() {
            list(&path, depth.saturating_add(1), files)?;
        } else if path.is_file()
            && path.extension().is_some_and(|ext| ext == "yaml" || ext == "yml" || ext == "json")
        {
            files.push(path);
        }
    }
    Ok(())
}
