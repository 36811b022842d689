//! An upstream that serves the files of a folder, as they are at that moment: what an issuer publishes, say.

use std::io;
use std::net::ToSocketAddrs;
use std::path::{Component, Path, PathBuf};

use super::http::{HttpUpstream, Reply, Seen};

impl HttpUpstream {
    /// Starts at this address and answers `GET` with the files of a folder. Nothing outside of it is served, whatever a path says.
    pub fn serving(address: impl ToSocketAddrs, folder: &Path) -> io::Result<Self> {
        let folder = folder.to_owned();
        Self::answering(address, move |seen| answer(&folder, seen))
    }
}

fn answer(folder: &Path, seen: &Seen) -> Reply {
    if seen.method != "GET" {
        return Reply::status(405);
    }
    match file(folder, &seen.path).map(std::fs::read) {
        Some(Ok(bytes)) => Reply::status(200).header("content-type", "application/json").body(bytes),
        Some(Err(_)) | None => Reply::status(404),
    }
}

fn file(folder: &Path, path: &str) -> Option<PathBuf> {
    let path = path.split('?').next()?.strip_prefix('/')?;
    let plain = Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    plain.then(|| folder.join(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_in_the_folder_is_served() {
        let folder = Path::new("/srv");
        assert_eq!(file(folder, "/a/b.json?c"), Some(PathBuf::from("/srv/a/b.json")));
        for outside in ["/../etc/passwd", "//etc/passwd", "/a/../../b", "a"] {
            assert_eq!(file(folder, outside), None, "{outside}");
        }
    }
}
