// Judges manifests, one JSON object a line, by the API server's own decoding, defaults and validation; prints a
// line for each thing wrong with one.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/apps"
	_ "k8s.io/kubernetes/pkg/apis/apps/install"
	appsvalidation "k8s.io/kubernetes/pkg/apis/apps/validation"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	"k8s.io/kubernetes/pkg/apis/core/validation"
	"k8s.io/kubernetes/pkg/apis/networking"
	_ "k8s.io/kubernetes/pkg/apis/networking/install"
	networkingvalidation "k8s.io/kubernetes/pkg/apis/networking/validation"
	"k8s.io/kubernetes/pkg/apis/policy"
	_ "k8s.io/kubernetes/pkg/apis/policy/install"
	policyvalidation "k8s.io/kubernetes/pkg/apis/policy/validation"
	"k8s.io/kubernetes/pkg/apis/rbac"
	_ "k8s.io/kubernetes/pkg/apis/rbac/install"
	rbacvalidation "k8s.io/kubernetes/pkg/apis/rbac/validation"
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
	case *batch.Job:
		selectPods(it)
		return batchvalidation.ValidateJob(it, batchvalidation.JobValidationOptions{RequirePrefixedLabels: true})
	case *rbac.Role:
		return rbacvalidation.ValidateRole(it)
	case *rbac.RoleBinding:
		return rbacvalidation.ValidateRoleBinding(it)
	case *networking.Ingress:
		return networkingvalidation.ValidateIngressCreate(it)
	case *networking.NetworkPolicy:
		return networkingvalidation.ValidateNetworkPolicy(it, networkingvalidation.NetworkPolicyValidationOptions{})
	case *policy.PodDisruptionBudget:
		return policyvalidation.ValidatePodDisruptionBudget(it, policyvalidation.PodDisruptionBudgetValidationOptions{})
	}
	return field.ErrorList{field.InternalError(nil, fmt.Errorf("%T is not judged", object))}
}

// The API server's storage gives a job its uid and the labels of its pods before it validates.
func selectPods(job *batch.Job) {
	job.UID = "1"
	job.Spec.Selector = &metav1.LabelSelector{MatchLabels: map[string]string{batch.ControllerUidLabel: "1"}}
	labels := map[string]string{
		batch.ControllerUidLabel: "1", batch.LegacyControllerUidLabel: "1",
		batch.JobNameLabel: job.Name, batch.LegacyJobNameLabel: job.Name,
	}
	for name, value := range job.Spec.Template.Labels {
		labels[name] = value
	}
	job.Spec.Template.Labels = labels
}
