"""What is known about Kubernetes and its projected service account tokens.

https://kubernetes.io/docs/tasks/configure-pod-container/configure-service-account/#serviceaccount-token-volume-projection
"""

from hf_oidc.providers.facts import REACHABLE_ISSUER, DefaultAudience, Instruction, ProviderFacts, having

FACTS = ProviderFacts(
    title="Kubernetes",
    section="kubernetes",
    issuer="your cluster's issuer: kubectl get --raw /.well-known/openid-configuration",
    claims={"sub": "system:serviceaccount:NAMESPACE:NAME"},
    declare=Instruction(
        "In the pod's `spec:`, project a service account token for the Hub, and mount it in the container. The token "
        "that every pod has is only for the cluster's API:",
        "containers:\n  - name: publish\n    volumeMounts:\n      - name: hugging-face\n"
        "        mountPath: /var/run/secrets/huggingface.co/serviceaccount\n        readOnly: true\n"
        "volumes:\n  - name: hugging-face\n    projected:\n      sources:\n        - serviceAccountToken:\n"
        "            path: token\n            audience: {audience}\n            expirationSeconds: 3600",
    ),
    failed=Instruction("Check that the file holds the token and nothing else."),
    expired=(
        "Kubernetes replaces the file before the token expires. Name that file, not a copy. A file mounted with "
        "`subPath` is never replaced. If the file is the right one, correct the clock of this machine."
    ),
    cautions=(
        REACHABLE_ISSUER,
        (
            "The ID token names the service account: anyone who can create a pod with it can publish. Use it for "
            "nothing else."
        ),
    ),
    job_needs="a projected service account token",
    # Each cluster has its own issuer URL.
    has_claims=having("kubernetes.io"),
    identifying=("sub",),
    default_audience=DefaultAudience(r"https://kubernetes\.default\.svc[\w.-]*", "the cluster's own API"),
    issued_before_job=True,
)
