// Judges manifests, one JSON object a line, by the API server's own decoding, defaults and validation; prints a
// line for each thing wrong with one.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
)

func main() {
	strict := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict)
	for manifests := json.NewDecoder(os.Stdin); ; {
		var manifest json.RawMessage
		if err := manifests.Decode(&manifest); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		object, kind, err := strict.UniversalDecoder().Decode(manifest, nil, nil)
		if err != nil {
			fmt.Println(err)
			continue
		}
		for _, wrong := range validated(object) {
			fmt.Printf("%s: %s\n", kind.Kind, wrong)
		}
	}
}

func validated(object runtime.Object) field.ErrorList {
	switch it := object.(type) {
	case *core.ConfigMap:
		return validation.ValidateConfigMap(it)
	case *core.Service:
		// The API server's storage does this before it validates.
		if it.Spec.ClusterIP != "" {
			it.Spec.ClusterIPs = []string{it.Spec.ClusterIP}
		}
		return validation.ValidateServiceCreate(it)
	case *core.ServiceAccount:
		return validation.ValidateServiceAccount(it)
	case *core.Pod:
		return validation.ValidatePodCreate(it, validation.PodValidationOptions{})
	case *apps.Deployment:
		return appsvalidation.ValidateDeployment(it, validation.PodValidationOptions{})
	case *apps.StatefulSet:
		return appsvalidation.ValidateStatefulSet(it, validation.PodValidationOptions{})
	case *networking.Ingress:
		return networkingvalidation.ValidateIngressCreate(it)
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(it, networkingvalidation.NetworkPolicyValidationOptions{})
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(it, policyvalidation.PodDisruptionBudgetValidationOptions{})
	}
	return field.ErrorList{field.InternalError(nil, fmt.Errorf("%T is not judged", object))}
}
