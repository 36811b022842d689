//! The table of codes: every kind of problem that a configuration may have, once.

use core::fmt;

macro_rules! codes {
    ($($variant:ident = $number:literal, $title:literal;)+) => {
        /// What kind of problem it is. The code is `MW` and four digits, stable, and never given to another problem.
        ///
        /// 01 text and envelope, 02 documents and their metadata, 03 sources, 04 operations, 05 conditions, 06 lists of values,
        /// 07 authentication, 08 limits and detection, 10 events, 09 what only `meshward lint` sees.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum Code {
            $(#[doc = $title] $variant = $number,)+
        }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// What it means, in a line without a final period.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$variant => $title,)+ }
            }
        }
    };
}

codes! {
    Syntax = 101, "the text is not JSON or YAML";
    NothingThere = 102, "there is no configuration";
    UnknownField = 103, "a field that does not exist here";
    MissingField = 104, "a field that must be there is not";
    WrongType = 105, "a value of another type than the field holds";
    DoubledField = 106, "a field stands twice in the same place";
    UnknownValue = 107, "a word that is not among those the field takes";
    TooLarge = 108, "the configuration is larger than a plugin reads";
    NotUtf8 = 109, "the text is not UTF-8";
    NothingVerifiesPeer = 110, "nothing could verify the caller's certificate";
    MoreProblems = 111, "there are more problems than are told at once";
    FieldOfAnotherPlugin = 112, "a field of the envelope that this plugin does not read";
    BadWorkload = 113, "something else than a workload where the configuration says whom it is for";

    UnknownKind = 201, "a kind of document that does not exist";
    ForeignKind = 202, "a kind of document that this plugin does not read";
    WrongVersion = 203, "an `apiVersion` that the kind does not have";
    BadName = 204, "a document's name that Kubernetes would not take";
    BadNamespace = 205, "a document's namespace that Kubernetes would not take";
    DoubledName = 206, "two documents of one kind share namespace and name";
    NoSpec = 207, "a document without a `spec`";
    ActionUnsupported = 209, "an action that this version does not carry out";
    ProviderWithoutCustom = 210, "a provider without the action that it goes with";
    DryRunOnAccessPolicy = 211, "Istio's dry-run annotation on a document that is not Istio's";
    DryRunValue = 212, "the dry-run annotation is neither \"true\" nor \"false\"";
    DenyWithoutRules = 213, "a DENY document without rules";
    TooManyRules = 214, "a document has more rules than are read";
    OtherwiseInAllow = 215, "`otherwise` in an ALLOW document";
    OtherwiseMissing = 216, "only DENY documents apply and none says `otherwise`";
    OtherwiseContradicts = 217, "DENY documents disagree about `otherwise`";
    ProxySilent = 218, "the proxy does not say what a choice of workloads depends on";
    TargetUnseen = 219, "a target that cannot be seen from inside a proxy";
    BadSelector = 220, "a choice of workloads that chooses none, or in two ways";

    EmptySource = 301, "a source that names nobody";
    NothingVerifiesTokens = 302, "what the caller's token says, where nothing verifies tokens";
    DirectAddress = 303, "the direct peer's address, which a plugin does not see";
    BadAddress = 304, "a value that is no block of addresses";
    BadPrincipal = 305, "a principal that is no part of a SPIFFE ID";
    PrincipalIsTrustDomain = 306, "a principal that names a trust domain and no workload";
    ImpossibleNamespace = 307, "a namespace or trust domain with a character that none has";
    BadServiceAccount = 308, "a value that is no service account";
    ServiceAccountWithoutNamespace = 309, "a service account whose namespace nobody says";
    ServiceAccountsNotAlone = 310, "service accounts beside principals or namespaces";
    TooManyServiceAccounts = 311, "more service accounts than are read";
    BadTrustDomain = 312, "a value that is no trust domain";
    NobodyIsLeft = 313, "an ALLOW rule that excludes every caller";
    BadRequestPrincipal = 314, "a request principal that is no issuer and subject";

    EmptyOperation = 401, "an operation that names nothing";
    BadPort = 402, "a value that is no TCP port";
    ImpossibleHost = 403, "a host that no request has";
    BadMethod = 404, "a value that is no HTTP method";
    BadTemplate = 405, "a path template that cannot be read";
    BadOperator = 406, "braces in a path that are no operator";
    PathNotCanonical = 407, "a path that is not in the form in which paths are matched";
    ImpossiblePath = 408, "a path that no request has";
    BadGrpc = 409, "a value that is no gRPC service or method";

    ConditionWithoutValues = 501, "a condition that says nothing";
    UnknownAttribute = 502, "a `key` that does not exist";
    AttributeUnsupported = 503, "a `key` that this version does not see";
    AttributeIsNoHeader = 504, "a condition on a header that is matched elsewhere";
    BadHeaderName = 505, "a value that is no header name";
    BadClaimName = 506, "names that lead to no claim";
    MixedCondition = 507, "parts of a condition that do not go together";
    NotOneNumber = 508, "something else than a number where numbers are compared";
    BadRegex = 509, "a regular expression that is not compiled";
    NoCapture = 510, "a capture that not every path of the rule has";
    OperatorMisfits = 511, "a comparison that says nothing of the attribute";
    BadAttributeName = 512, "a name that no parameter or cookie has for every reader";
    TooManyRegexes = 513, "more regular expressions than are compiled";

    EmptyList = 601, "a list without values";
    EmptyValue = 602, "an empty value";
    StarInside = 603, "a `*` inside a value";
    TooManyValues = 604, "more values than are read";

    NothingDemanded = 701, "an Authentication that demands nothing";
    NotOneAuthentication = 702, "no Authentication, or more than one, where one belongs";
    BadIssuer = 703, "an issuer that no token could be from";
    KeysUnclear = 704, "an issuer's keys are nowhere, or in two places";
    BadKeySet = 705, "keys that are no JSON Web Key Set";
    BadKey = 706, "a key that signatures are not verified with";
    AlgorithmWithoutKey = 707, "an issuer's algorithms and its keys do not fit each other";
    BadKeyAddress = 708, "an address that keys cannot be fetched from";
    OutOfRange = 709, "a length of time that is out of range";
    IssuerFieldUnsupported = 710, "a field of an issuer that this version does not carry out";

    BadLimitName = 801, "a limit's name that no header can carry";
    DoubledLimit = 802, "two limits share a name";
    OutOfBounds = 803, "a number outside its bounds";
    BadLimitKey = 804, "a part of a key that no request has";
    SubjectUnseen = 805, "a key of token subjects where nobody verifies tokens";
    TooManyLimits = 806, "more limits than are read";
    NoDetector = 807, "a detection that looks for nothing";
    BadThresholds = 808, "thresholds that do not rise";
    BadAllow = 809, "an allowed caller that is no SPIFFE ID";
    DoubledDetection = 810, "more than one Detection document";
    OtherRole = 811, "a document or field for the plugin's other role";
    NothingToDo = 812, "a plugin without a document of its kind";

    SinkDoubled = 1001, "a second EventSink";
    BadCluster = 1002, "a value that is no name of a cluster";
    BadCollectorAddress = 1003, "a path or host at which no collector can be asked for";
    SinkBound = 1004, "a bound of a sink that is too small or too large";
    BadShown = 1005, "a path or host to show that is none";

    YamlTab = 901, "a tab where YAML takes only spaces";
    YamlAlias = 902, "a value that begins with `*` or `&` without quotes";
    YamlNotAString = 903, "a word that some YAML readers do not take for text";
    YamlUnsupported = 904, "a feature of YAML that policies do without";
    NoPolicy = 905, "a file without a policy";
    DocumentList = 906, "a list where a document is expected";
    ManifestFailsOpen = 907, "a manifest that lets requests through when the module fails";
    ManifestConfigAsText = 908, "a configuration that a manifest holds as text";
    LooksLikeRegex = 909, "a path that looks like a regular expression";
    PrincipalWithScheme = 910, "a principal that is written with `spiffe://`";
    IstioTakesIt = 911, "a value that Istio takes and hardly any request has";
}

impl Code {
    /// The code that is spelt `text`, in either letter case.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("MW").or_else(|| text.strip_prefix("mw"))?;
        if digits.len() != 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        let number: u16 = digits.parse().ok()?;
        Self::ALL.iter().copied().find(|code| *code as u16 == number)
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MW{:04}", *self as u16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_mw_and_four_digits_and_reads_back() {
        for code in Code::ALL {
            let text = code.to_string();
            assert_eq!(text.len(), 6, "{text}");
            assert_eq!(Code::parse(&text), Some(*code));
            assert_eq!(Code::parse(&text.to_lowercase()), Some(*code));
        }
        for wrong in ["", "MW", "MW1", "MW0000", "MW01010", "MW+101", "XX0101"] {
            assert_eq!(Code::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn titles_are_lines_without_a_final_period() {
        for code in Code::ALL {
            let title = code.title();
            assert!(!title.is_empty() && !title.ends_with('.') && !title.contains('\n'), "{code}");
        }
    }
}
