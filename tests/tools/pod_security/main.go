// Judges pods, one JSON object of metadata and spec a line, by Kubernetes's own Pod Security Standard
// "restricted"; prints a line for each violation, with the pod's name.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/pod-security-admission/api"
	"k8s.io/pod-security-admission/policy"
)

func main() {
	evaluator, err := policy.NewEvaluator(policy.DefaultChecks())
	if err != nil {
		panic(err)
	}
	restricted := api.LevelVersion{Level: api.LevelRestricted, Version: api.LatestVersion()}
	for pods := json.NewDecoder(os.Stdin); ; {
		var pod corev1.Pod
		if err := pods.Decode(&pod); err == io.EOF {
			return
		} else if err != nil {
			panic(err)
		}
		for _, result := range evaluator.EvaluatePod(restricted, &pod.ObjectMeta, &pod.Spec) {
			if !result.Allowed {
				fmt.Printf("%s: %s: %s\n", pod.Name, result.ForbiddenReason, result.ForbiddenDetail)
			}
		}
	}
}
