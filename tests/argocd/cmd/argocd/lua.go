package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"

	"github.com/argoproj/argo-cd/v3/common"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/lua"
	"github.com/argoproj/argo-cd/v3/util/settings"
	jsonpatch "github.com/evanphx/json-patch"
	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes/fake"
)

const settingsNamespace = "argocd"

// inquiry is what the command reads: argocd-cm's data, and questions about objects.
type inquiry struct {
	Settings  map[string]string `json:"settings"`
	Questions []question        `json:"questions"`
}

// question asks for an object's health and actions, or, with an action, for what that does to it.
type question struct {
	Object map[string]any `json:"object"`
	Action string         `json:"action,omitempty"`
}

type answer struct {
	Health    map[string]string         `json:"health,omitempty"`
	Actions   []v1alpha1.ResourceAction `json:"actions,omitempty"`
	Resources []impact                  `json:"resources,omitempty"`
	Error     string                    `json:"error,omitempty"`
}

// impact is one resource that an action creates or, by the merge patch, changes.
type impact struct {
	Operation lua.K8SOperation `json:"operation"`
	Object    map[string]any   `json:"object"`
	Patch     json.RawMessage  `json:"patch,omitempty"`
}

// newLua returns a command that does what Argo CD's API server does with the Lua in argocd-cm, as a
// filter: an inquiry on standard input, its answers on standard output.
func newLua() *cobra.Command {
	return &cobra.Command{Use: "lua", Args: cobra.NoArgs, RunE: func(*cobra.Command, []string) error {
		var asked inquiry
		if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
			return err
		}
		overrides, err := overridesOf(asked.Settings)
		if err != nil {
			return err
		}
		answers := make([]answer, 0, len(asked.Questions))
		for _, question := range asked.Questions {
			answers = append(answers, reply(overrides, question))
		}
		return json.NewEncoder(os.Stdout).Encode(answers)
	}}
}

// overridesOf has Argo CD itself read argocd-cm, from a cluster that holds nothing else.
func overridesOf(data map[string]string) (map[string]v1alpha1.ResourceOverride, error) {
	labels := map[string]string{"app.kubernetes.io/part-of": "argocd"}
	cluster := fake.NewClientset(
		&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: common.ArgoCDConfigMapName, Namespace: settingsNamespace, Labels: labels},
			Data:       data,
		},
		&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Name: common.ArgoCDSecretName, Namespace: settingsNamespace, Labels: labels},
			Data:       map[string][]byte{"server.secretkey": []byte("unused")},
		},
	)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	return settings.NewSettingsManager(ctx, cluster, settingsNamespace).GetResourceOverrides()
}

func reply(overrides map[string]v1alpha1.ResourceOverride, asked question) answer {
	object := &unstructured.Unstructured{Object: asked.Object}
	var result answer
	var err error
	if asked.Action == "" {
		result, err = examine(overrides, object)
	} else {
		result.Resources, err = act(overrides, object, asked.Action)
	}
	if err != nil {
		result.Error = err.Error()
	}
	return result
}

func examine(overrides map[string]v1alpha1.ResourceOverride, object *unstructured.Unstructured) (answer, error) {
	var result answer
	health, err := lua.ResourceHealthOverrides(overrides).GetResourceHealth(object)
	if err != nil {
		return result, err
	}
	if health != nil {
		result.Health = map[string]string{"status": string(health.Status), "message": health.Message}
	}
	vm := lua.VM{ResourceOverrides: overrides}
	scripts, err := vm.GetResourceActionDiscovery(object)
	if err != nil || len(scripts) == 0 {
		return result, err
	}
	result.Actions, err = vm.ExecuteResourceActionDiscovery(object, scripts)
	return result, err
}

func act(overrides map[string]v1alpha1.ResourceOverride, object *unstructured.Unstructured, name string) ([]impact, error) {
	live, err := json.Marshal(object)
	if err != nil {
		return nil, err
	}
	vm := lua.VM{ResourceOverrides: overrides}
	definition, err := vm.GetResourceAction(object, name)
	if err != nil {
		return nil, err
	}
	changed, err := vm.ExecuteResourceAction(object, definition.ActionLua, nil)
	if err != nil {
		return nil, err
	}
	impacts := make([]impact, 0, len(changed))
	for _, resource := range changed {
		result := impact{Operation: resource.K8SOperation, Object: resource.UnstructuredObj.Object}
		if resource.K8SOperation == lua.PatchOperation {
			after, err := json.Marshal(resource.UnstructuredObj)
			if err != nil {
				return nil, err
			}
			if result.Patch, err = jsonpatch.CreateMergePatch(live, after); err != nil {
				return nil, fmt.Errorf("patch of %s: %w", name, err)
			}
		}
		impacts = append(impacts, result)
	}
	return impacts, nil
}
