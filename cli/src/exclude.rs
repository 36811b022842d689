//! Files that are left out although their folder was named.

use std::path::Path;

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::failure::Failure;

/// Patterns of paths that are not read.
#[derive(Debug)]
pub(crate) struct Exclude {
    globs: GlobSet,
}

impl Exclude {
    /// Nothing is left out.
    pub(crate) const NOTHING: Self = Self { globs: GlobSet::empty() };

    /// Reads patterns: `*` and `?` stay within a name, `**` goes through folders, and a pattern without `/` is a name anywhere.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what is no pattern.
    pub(crate) fn new(patterns: &[String]) -> Result<Self, Failure> {
        let mut globs = GlobSetBuilder::new();
        for pattern in patterns {
            let plain = pattern.trim_start_matches("./").trim_end_matches('/');
            let anywhere = if plain.contains('/') { plain.to_owned() } else { format!("**/{plain}") };
            let glob = GlobBuilder::new(&anywhere).literal_separator(true).build();
            globs.add(glob.map_err(|error| unreadable(pattern, &error))?);
        }
        let globs = globs.build().map_err(|error| unreadable(&patterns.join(" "), &error))?;
        Ok(Self { globs })
    }

    /// Whether a pattern fits the path, or a folder that it lies in.
    pub(crate) fn takes(&self, path: &Path) -> bool {
        let path = path.strip_prefix(".").unwrap_or(path);
        path.ancestors().any(|part| !part.as_os_str().is_empty() && self.globs.is_match(part))
    }
}

fn unreadable(pattern: &str, error: &globset::Error) -> Failure {
    Failure::usage(
        format!("`--exclude {pattern}` is no pattern: {}", error.kind()),
        "write as in `--exclude '**/broken/**'`, in quotes",
    )
}

#[cfg(test)]
#[expect(clippy::expect_used, reason = "tests")]
mod tests {
    use super::*;

    #[track_caller]
    fn takes(pattern: &str, path: &str) -> bool {
        Exclude::new(&[pattern.to_owned()]).expect("a pattern").takes(Path::new(path))
    }

    #[test]
    fn a_pattern_fits_a_path_or_a_folder_above_it() {
        assert!(takes("**/broken/**", "policies/a/broken/b.yaml"));
        assert!(takes("**/broken/**", "/abs/policies/broken/b.yaml"));
        assert!(takes("policies/*/broken", "./policies/a/broken/b.yaml"));
        assert!(takes("./policies/", "policies/a.yaml"));
        assert!(!takes("**/broken/**", "policies/a/unbroken/b.yaml"));
        assert!(!takes("policies/*.yaml", "policies/a/b.yaml"));
    }

    #[test]
    fn a_pattern_without_a_slash_is_a_name_anywhere() {
        assert!(takes("broken", "a/broken/b.yaml") && takes("*.json", "a/b.json"));
        assert!(!takes("broken", "a/broken.yaml"));
    }

    #[test]
    fn what_is_no_pattern_is_refused_and_no_pattern_takes_nothing() {
        assert!(Exclude::new(&["a[".to_owned()]).is_err_and(|failure| failure.to_string().contains("a[")));
        assert!(!Exclude::NOTHING.takes(Path::new("a/b.yaml")));
    }
}
