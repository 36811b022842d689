//! Questions to the host, and the host's answers to values.

use meshward_abi::{grpc_service, pairs};
use meshward_model::{Answer, Cas, Question};

use crate::asked::{Asked, Way};
use crate::hostcalls::{self, Token};

/// The pseudo header that holds an answer's status.
const STATUS: &[u8] = b":status";

/// What the host makes of a question.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Started {
    /// The answer will come.
    UnderWay(Way, Token),
    /// Here it is.
    Answered(Answer),
    /// It was not taken, for whatever reason.
    Refused,
}

/// Hands a question to the host.
pub(crate) fn start(question: &Question) -> Started {
    if question.is_immediate() {
        return immediate(question).map_or(Started::Answered(Answer::Failed), Started::Answered);
    }
    call(question).map_or(Started::Refused, |(way, token)| Started::UnderWay(way, token))
}

fn immediate(question: &Question) -> Option<Answer> {
    match question {
        Question::Load { slot } => Some(match hostcalls::shared_data(slot).ok()? {
            Some((value, cas)) => Answer::Loaded { value: Some(value), cas },
            None => Answer::Loaded { value: None, cas: Cas::ABSENT },
        }),
        Question::Store { slot, value, expected } => {
            hostcalls::set_shared_data(slot, value, *expected).ok().map(Answer::Stored)
        }
        Question::Call { function, argument } => {
            hostcalls::call(function, argument).ok().map(|result| Answer::Called { result })
        }
        Question::Http { .. } | Question::Grpc { .. } => None,
    }
}

fn call(question: &Question) -> Option<(Way, Token)> {
    match question {
        Question::Http { cluster, headers, body, timeout_millis, .. } => {
            let headers: Vec<(&[u8], &[u8])> =
                headers.iter().map(|(name, value)| (name.as_slice(), value.as_slice())).collect();
            let headers = pairs::encode(&headers).ok()?;
            let token = hostcalls::http_call(cluster, &headers, body, timeout(*timeout_millis)).ok()?;
            Some((Way::Http, token))
        }
        Question::Grpc { cluster, service, method, message, timeout_millis, .. } => {
            let target = grpc_service::of_cluster(cluster);
            let timeout = timeout(*timeout_millis);
            let token = hostcalls::grpc_call(&target, service, method, message, timeout).ok()?;
            Some((Way::Grpc, token))
        }
        Question::Load { .. } | Question::Store { .. } | Question::Call { .. } => None,
    }
}

/// To the host, 0 means for ever.
fn timeout(millis: u32) -> u32 {
    // The host reads a signed number.
    millis.clamp(1, i32::MAX.unsigned_abs())
}

/// The HTTP answer that the host is handing over: so many headers, and so many bytes of body. No headers: there is no answer.
pub(crate) fn http(asked: &Asked, headers: u32, body_bytes: usize) -> Answer {
    if headers == 0 {
        return Answer::Failed;
    }
    if too_large(body_bytes, asked) {
        return Answer::TooLarge;
    }
    let read = || {
        let headers = pairs::decode(hostcalls::http_call_headers().ok()?).ok()?;
        let status = core::str::from_utf8(headers.single(STATUS).ok()?).ok()?.parse().ok()?;
        let body = whole(hostcalls::http_call_body(body_bytes).ok()?, body_bytes)?;
        Some(Answer::Http { status, headers, body })
    };
    read().unwrap_or(Answer::Failed)
}

/// The gRPC message of so many bytes that the host is handing over.
pub(crate) fn grpc(asked: &Asked, bytes: usize) -> Answer {
    if too_large(bytes, asked) {
        return Answer::TooLarge;
    }
    let read = || whole(hostcalls::grpc_message(bytes).ok()?, bytes);
    read().map_or(Answer::Failed, |message| Answer::Grpc { message })
}

fn too_large(bytes: usize, asked: &Asked) -> bool {
    u32::try_from(bytes).map_or(true, |bytes| bytes > asked.max_bytes)
}

/// Fewer bytes than announced are no answer.
fn whole(read: Vec<u8>, announced: usize) -> Option<Vec<u8>> {
    (read.len() == announced).then_some(read)
}
