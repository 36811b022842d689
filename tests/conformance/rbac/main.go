// Command translator makes Envoy's RBAC filters of Istio's AuthorizationPolicies, with istiod's own code and no cluster.
//
// One JSON object a line comes in and one goes out, in the same order; the end of the input ends it. A set is the policies of
// one workload. What istiod's validation refuses is said in `refused` and has no filters.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"google.golang.org/protobuf/encoding/protojson"

	security "istio.io/api/security/v1beta1"
	"istio.io/istio/pilot/pkg/config/kube/crd"
	"istio.io/istio/pilot/pkg/model"
	"istio.io/istio/pilot/pkg/security/authz/builder"
	"istio.io/istio/pilot/pkg/security/trustdomain"
	"istio.io/istio/pkg/config"
	"istio.io/istio/pkg/config/schema/collections"
	"istio.io/istio/pkg/config/schema/gvk"
	"istio.io/istio/pkg/log"
)

// set is one workload and what applies to it.
type set struct {
	Namespace     string            `json:"namespace"`
	Labels        map[string]string `json:"labels"`
	RootNamespace string            `json:"rootNamespace"`
	TrustDomain   string            `json:"trustDomain"`
	Aliases       []string          `json:"trustDomainAliases"`
	// Documents as Kubernetes takes them, YAML or JSON, with `---` between them.
	Documents string `json:"documents"`
}

// answer is what istiod makes of a set.
type answer struct {
	Filters []json.RawMessage `json:"filters"`
	Refused []string          `json:"refused,omitempty"`
}

func main() {
	// By default what istiod logs is mixed into the standard output.
	options := log.DefaultOptions()
	options.OutputPaths = []string{"stderr"}
	if err := log.Configure(options); err != nil {
		fmt.Fprintln(os.Stderr, "translator:", err)
		os.Exit(1)
	}
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "translator:", err)
		os.Exit(1)
	}
}

func run(in io.Reader, out io.Writer) error {
	buffered := bufio.NewWriter(out)
	decoder := json.NewDecoder(bufio.NewReader(in))
	decoder.DisallowUnknownFields()
	encoder := json.NewEncoder(buffered)
	for line := 1; ; line++ {
		var one set
		if err := decoder.Decode(&one); err == io.EOF {
			return buffered.Flush()
		} else if err != nil {
			return fmt.Errorf("set %d: %w", line, err)
		}
		translated, err := translate(one)
		if err != nil {
			return fmt.Errorf("set %d: %w", line, err)
		}
		if err := encoder.Encode(translated); err != nil {
			return err
		}
	}
}

// translate gives an error only for what is no set of AuthorizationPolicies at all.
func translate(one set) (answer, error) {
	translated := answer{Filters: []json.RawMessage{}}
	documents, others, err := crd.ParseInputs(one.Documents)
	if err != nil {
		// Unknown fields and values of the wrong kind are refused here.
		translated.Refused = append(translated.Refused, err.Error())
		return translated, nil
	}
	if len(others) > 0 {
		return translated, fmt.Errorf("%d documents are of no kind of Istio's", len(others))
	}
	policies := model.AuthorizationPolicies{
		NamespaceToPolicies: map[string][]model.AuthorizationPolicy{},
		RootNamespace:       one.RootNamespace,
	}
	for _, document := range documents {
		policy, refusal, err := read(document)
		if err != nil {
			return translated, err
		}
		if refusal != "" {
			translated.Refused = append(translated.Refused, refusal)
			continue
		}
		of := policy.Namespace
		policies.NamespaceToPolicies[of] = append(policies.NamespaceToPolicies[of], policy)
	}
	if len(translated.Refused) > 0 {
		return translated, nil
	}
	translated.Filters, err = filters(one, &policies)
	return translated, err
}

func read(document config.Config) (model.AuthorizationPolicy, string, error) {
	spec, ok := document.Spec.(*security.AuthorizationPolicy)
	if !ok || document.GroupVersionKind.Kind != gvk.AuthorizationPolicy.Kind {
		kind := document.GroupVersionKind.Kind
		return model.AuthorizationPolicy{}, "", fmt.Errorf("%s/%s is of kind %s", document.Namespace, document.Name, kind)
	}
	if _, err := collections.AuthorizationPolicy.ValidateConfig(document); err != nil {
		refusal := fmt.Sprintf("%s/%s: %v", document.Namespace, document.Name, err)
		return model.AuthorizationPolicy{}, refusal, nil
	}
	return model.AuthorizationPolicy{
		Name:        document.Name,
		Namespace:   document.Namespace,
		Annotations: document.Annotations,
		Spec:        spec,
	}, "", nil
}

func filters(one set, policies *model.AuthorizationPolicies) ([]json.RawMessage, error) {
	selected := policies.ListAuthorizationPolicies(model.WorkloadPolicyMatcher{
		WorkloadNamespace: one.Namespace,
		WorkloadLabels:    one.Labels,
		RootNamespace:     one.RootNamespace,
	})
	made := []json.RawMessage{}
	bundle := trustdomain.NewBundle(one.TrustDomain, one.Aliases)
	generator := builder.New(bundle, nil, selected, builder.Option{})
	if generator == nil {
		return made, nil
	}
	for _, filter := range generator.BuildHTTP() {
		text, err := protojson.Marshal(filter)
		if err != nil {
			return nil, err
		}
		made = append(made, text)
	}
	return made, nil
}
