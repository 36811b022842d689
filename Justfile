# The commands people run. A recipe is one line: the logic is in `cargo xtask`, which works without just.

# list the recipes
default:
    @just --list --unsorted

# what is there, what is missing, what set-up will do
doctor:
    cargo xtask doctor

# the Wasm toolchain and two Envoys; safe to repeat
setup *args:
    cargo xtask setup {{args}}

# the Wasm modules, with size and digest
build:
    cargo xtask build

# the `meshward` command with the module inside
install *args:
    cargo xtask install {{args}}

# everything that CI runs; `just test --only corpus` for one step, `just test --list` for their names
test *args:
    cargo xtask test {{args}}

# a small mesh behind real Envoys, and a table of who may call whom
demo *args:
    cargo xtask demo {{args}}

# our modules against their floors, the stock SDK and bare Envoy
bench *args:
    cargo xtask bench {{args}}

# faults planted by hand in policy and identity: each must be caught
mutants *args:
    cargo xtask mutants {{args}}

# faults planted by cargo-mutants in policy, identity and SPIFFE IDs (about half an hour)
mutants-all:
    cargo xtask mutants --all

# authz against Envoy's own RBAC filter as istiod configures it, over random policies (takes Go; some minutes)
conformance *args:
    cargo xtask conformance rbac {{args}}

# bytes of which something does not hold: every fuzz target for a minute; `just fuzz path --minutes 60`
fuzz *args:
    cargo xtask fuzz {{args}}

# a million requests through one worker: its memory must not grow (a minute)
soak *args:
    cargo xtask soak {{args}}

# format everything
fmt:
    cargo fmt --all

# formatting, house rules and clippy, native and for the modules' target
lint:
    cargo xtask test --only fmt --only house --only lint --only lint-wasm
