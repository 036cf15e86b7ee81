"""Configs of queues as people write them, the seed's among them."""

from typing import Any

import yaml

SEED_JOB = """
spec:
  template:
    spec:
      containers:
        - env:
            - name: MY_ENV_VAR
              value: some-value
          resources:
            requests:
              cpu: 1000m
              memory: 1Gi
metadata:
  labels:
    queue: k8s-test
namespace: wandb
"""
SEED_PYTORCH = """
kubernetes:
  kind: PyTorchJob
  spec:
    pytorchReplicaSpecs:
      Master:
        replicas: 1
        template:
          spec:
            containers:
              - name: pytorch
                image: '${image_uri}'
                imagePullPolicy: Always
        restartPolicy: Never
      Worker:
        replicas: 2
        template:
          spec:
            containers:
              - name: pytorch
                image: '${image_uri}'
                imagePullPolicy: Always
        restartPolicy: Never
    ttlSecondsAfterFinished: 600
  metadata:
    name: '${run_id}-pytorch-job'
  apiVersion: kubeflow.org/v1
"""
SEED_INJECTED = """
spec:
  template:
    backOffLimit: 0
    ttlSecondsAfterFinished: 60
    securityContext:
      allowPrivilegeEscalation: False,
      capabilities:
        drop:
          - ALL,
      seccompProfile:
        type: "RuntimeDefault"
"""
"""The seed's, with its commas; it has `backOffLimit` in backticks, which no YAML can have."""
MPI = """
apiVersion: kubeflow.org/v2beta1
kind: MPIJob
spec:
  slotsPerWorker: 1
  mpiReplicaSpecs:
    Worker:
      replicas: 2
      template: {spec: {containers: [{name: worker}]}}
    Launcher:
      replicas: 1
      template: {spec: {containers: [{name: launcher}]}}
"""
VOLCANO = """
apiVersion: batch.volcano.sh/v1alpha1
kind: Job
spec:
  minAvailable: 3
  schedulerName: volcano
  tasks:
    - replicas: 1
      name: master
      template: {spec: {restartPolicy: OnFailure, containers: [{name: master}]}}
    - replicas: 2
      name: worker
      template: {spec: {restartPolicy: OnFailure, containers: [{name: worker}]}}
"""
RAY = """
apiVersion: ray.io/v1
kind: RayJob
spec:
  shutdownAfterJobFinishes: true
  rayClusterSpec:
    headGroupSpec:
      rayStartParams: {}
      template: {spec: {containers: [{name: ray-head, image: 'rayproject/ray:2.46.0'}]}}
    workerGroupSpecs:
      - groupName: small
        replicas: 2
        rayStartParams: {}
        template: {spec: {containers: [{name: ray-worker}]}}
"""
JOBSET = """
apiVersion: jobset.x-k8s.io/v1alpha2
kind: JobSet
spec:
  replicatedJobs:
    - name: driver
      template:
        spec:
          backoffLimit: 0
          template: {spec: {restartPolicy: Never, containers: [{name: driver}]}}
    - name: workers
      replicas: 2
      template:
        spec:
          template: {spec: {restartPolicy: Never, containers: [{name: worker}]}}
"""
TRAIN = """
apiVersion: trainer.kubeflow.org/v1alpha1
kind: TrainJob
spec:
  runtimeRef: {name: torch-distributed}
  trainer: {numNodes: 2, env: [{name: A, value: '1'}]}
  podTemplateOverrides:
    - targetJobs: [{name: node}]
      spec: {containers: [{name: node, volumeMounts: [{name: data, mountPath: /data}]}]}
"""
LEADER = """
apiVersion: leaderworkerset.x-k8s.io/v1
kind: LeaderWorkerSet
spec:
  replicas: 1
  leaderWorkerTemplate:
    size: 2
    leaderTemplate: {spec: {containers: [{name: leader}]}}
    workerTemplate: {spec: {containers: [{name: worker}]}}
"""


def example(text: str) -> dict[str, Any]:
    """One of them."""
    found: dict[str, Any] = yaml.safe_load(text)
    return found
