//! What each host call's arguments are: plain numbers, bytes handed to the host, places for the host to write to.

use anyhow::{Context, Result};

/// One argument, or two that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    /// A number that means the same in every module.
    Number,
    /// Two numbers: where bytes lie that the host reads, and how many.
    Given,
    /// Where the host writes an answer.
    Place,
    /// Where the host writes the number of a metric.
    Defined,
    /// The number of a metric.
    Metric,
}

use Argument::{Defined, Given, Metric, Number, Place};

const SIGNATURES: [(&str, &[Argument]); 19] = [
    ("clock_time_get", &[Number, Number, Place]),
    ("random_get", &[Place, Number]),
    ("proxy_log", &[Number, Given]),
    ("proxy_get_current_time_nanoseconds", &[Place]),
    ("proxy_set_tick_period_milliseconds", &[Number]),
    ("proxy_get_header_map_pairs", &[Number, Place, Place]),
    ("proxy_remove_header_map_value", &[Number, Given]),
    ("proxy_add_header_map_value", &[Number, Given, Given]),
    ("proxy_get_property", &[Given, Place, Place]),
    ("proxy_set_property", &[Given, Given]),
    ("proxy_get_shared_data", &[Given, Place, Place, Place]),
    ("proxy_set_shared_data", &[Given, Given, Number]),
    ("proxy_call_foreign_function", &[Given, Given, Place, Place]),
    ("proxy_get_buffer_bytes", &[Number, Number, Number, Place, Place]),
    ("proxy_define_metric", &[Number, Given, Defined]),
    ("proxy_increment_metric", &[Metric, Number]),
    ("proxy_record_metric", &[Metric, Number]),
    ("proxy_send_local_response", &[Number, Given, Given, Given, Number]),
    ("environ_get", &[Place, Place]),
];

/// The arguments of this host call.
///
/// # Errors
///
/// When nobody has said what they are.
pub(super) fn of(name: &str) -> Result<&'static [Argument]> {
    let found = SIGNATURES.iter().find(|(known, _)| *known == name).map(|(_, arguments)| *arguments);
    found.with_context(|| {
        format!("`{name}` is not known here: say in xtask/src/bench/signature.rs what its arguments are")
    })
}

impl Argument {
    /// How many of the call's numbers it takes.
    pub(super) const fn width(self) -> usize {
        match self {
            Given => 2,
            Number | Place | Defined | Metric => 1,
        }
    }
}

/// Each argument with the numbers that are its own.
pub(super) fn split<'a>(name: &str, numbers: &'a [i64]) -> Result<Vec<(Argument, &'a [i64])>> {
    let mut rest = numbers;
    let mut split = Vec::new();
    for argument in of(name)? {
        let (own, more) = rest
            .split_at_checked(argument.width())
            .with_context(|| format!("`{name}` has too few arguments: {numbers:?}"))?;
        split.push((*argument, own));
        rest = more;
    }
    anyhow::ensure!(rest.is_empty(), "`{name}` has too many arguments: {numbers:?}");
    Ok(split)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_host_call_says_what_to_do() {
        let error = of("proxy_dance").expect_err("nobody knows it").to_string();
        assert!(error.contains("what its arguments are"), "{error}");
    }

    #[test]
    fn bytes_that_are_handed_over_are_two_numbers() -> Result<()> {
        let split = split("proxy_get_property", &[8, 3, 100, 104])?;
        assert_eq!(split, [(Given, &[8, 3][..]), (Place, &[100]), (Place, &[104])]);
        assert!(super::split("proxy_get_property", &[8, 3, 100]).is_err());
        assert!(super::split("proxy_get_property", &[8, 3, 100, 104, 108]).is_err());
        Ok(())
    }
}
