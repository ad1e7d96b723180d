"""What a worker registers: the workflows and the sandbox they run in. Not imported by workflow code."""

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

from workflows.customer import CustomerLifecycle

WORKFLOWS = [CustomerLifecycle]

# The core is pure and its releases never change under a digest, so sharing both between runs is safe;
# python-statemachine resolves a path at import, which the sandbox forbids, and is used for its declarations only.
# Re-importing them per run would cost 18 times the memory. The workflow's own module keeps nothing outside of its
# instances; to read it again took a third of the CPU of a start, and of every cold wake. A test runs it inside the
# sandbox instead, where a forbidden call fails.
PASSED_THROUGH = ("lifecycle", "statemachine", "workflows", "tzdata")

RUNNER = SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*PASSED_THROUGH))
