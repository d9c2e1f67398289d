"""The emulated account held against AWS's own words: every call that product and provider make.

One entry for the calls that were checked together: against which page or recording, what the
emulator (moto 5.2.5) does about it, and which corrections came of it. Tests note every call that
is made and fail on one that is not here. The product's own words about permissions, which hold for
all calls, are in `tools/iam`.
"""

from __future__ import annotations

from dataclasses import dataclass

EMPTY_PLAN = "what is written is read back: the provider's second plan is empty"


@dataclass(frozen=True)
class Checked:
    """Some calls of one service, and how they were held against AWS.

    Attributes:
        service: IAM's prefix of the service.
        calls: operations, as the API reference names them, with a space between.
        source: what AWS says, and where; or where its answers are on record.
        finding: what the emulator does.
        corrections: names of the corrections that came of it.
    """

    service: str
    calls: str
    source: str
    finding: str
    corrections: tuple[str, ...] = ()

    @property
    def operations(self) -> tuple[str, ...]:
        """The calls with their service, such as `glue:CreateJob`."""
        return tuple(f"{self.service}:{call}" for call in self.calls.split())


CHECKED = (
    Checked(
        "s3",
        "PutObject CopyObject CompleteMultipartUpload CreateMultipartUpload UploadPart "
        "UploadPartCopy AbortMultipartUpload ListMultipartUploads ListParts",
        'S3 API reference of each; S3 user guide, "Event message structure" and "How to prevent '
        'object overwrites with conditional writes"',
        "conditional writes, parts and versions as documented; events, conditions of copies and "
        "uploads that are gone are not",
        (
            "object events are as documented",
            "multipart uploads send one event",
            "copies keep their conditions",
            "uploads that are gone are refused",
        ),
    ),
    Checked(
        "s3",
        "GetObject HeadObject GetObjectTagging PutObjectTagging RestoreObject",
        "S3 API reference, GetObject and HeadObject: 403 in place of 404 for whoever may not list",
        "404 for everybody; the layer in front of it answers as AWS does (account/authorization)",
    ),
    Checked(
        "s3",
        "DeleteObject DeleteObjects ListObjectVersions ListObjectsV2 ListObjects",
        'S3 API reference; S3 user guide, "Deleting objects from versioning-suspended buckets"',
        "as documented, but for versions in a bucket whose versioning is suspended",
        ("suspended buckets delete one version",),
    ),
    Checked(
        "s3",
        "CreateBucket DeleteBucket HeadBucket ListBuckets GetBucketLocation GetBucketVersioning "
        "PutBucketVersioning GetBucketTagging PutBucketTagging",
        'S3 user guide, "Default settings for new S3 buckets FAQ"; S3 API reference, "Errors"',
        "errors as documented (BucketNotEmpty, NoSuchBucket, NoSuchTagSet); new buckets were open",
        ("new buckets are private and encrypted",),
    ),
    Checked(
        "s3",
        "GetBucketEncryption PutBucketEncryption DeleteBucketEncryption",
        'S3 user guide, "Blocking or unblocking SSE-C for a general purpose bucket"; API '
        "reference, DeleteBucketEncryption; terraform-provider-aws, changes of 6.22 to 6.40",
        "without BlockedEncryptionTypes, and none at all where nobody has set one",
        ("buckets say what encryption they block", "new buckets are private and encrypted"),
    ),
    Checked(
        "s3",
        "GetBucketNotificationConfiguration PutBucketNotificationConfiguration",
        "S3 API reference, GetBucketNotificationConfiguration",
        "forgets EventBridgeConfiguration when it is read",
        ("notifications can be read back",),
    ),
    Checked(
        "s3",
        "GetBucketPolicy PutBucketPolicy DeleteBucketPolicy",
        'S3 user guide, "Bucket policy examples using condition keys"; IAM user guide, "Policy '
        'evaluation logic"',
        "ignores conditions and principals when it decides; takes principals that do not exist, "
        "which S3 refuses as MalformedPolicy",
        ("bucket policies are left to the judge",),
    ),
    Checked(
        "s3",
        "GetPublicAccessBlock PutPublicAccessBlock DeletePublicAccessBlock "
        "GetBucketOwnershipControls PutBucketOwnershipControls DeleteBucketOwnershipControls "
        "GetBucketLifecycleConfiguration PutBucketLifecycleConfiguration DeleteBucketLifecycle "
        "GetBucketAcl GetBucketCors GetBucketWebsite GetBucketLogging GetBucketReplication "
        "GetBucketRequestPayment GetBucketAccelerateConfiguration GetObjectLockConfiguration",
        'S3 API reference, "List of error codes": what each answers where nothing is configured',
        f"the documented codes (NoSuchLifecycleConfiguration, NoSuchCORSConfiguration, ...); "
        f"{EMPTY_PLAN}",
    ),
    Checked(
        "events",
        "PutRule DescribeRule DeleteRule EnableRule DisableRule ListRules PutTargets "
        "ListTargetsByRule RemoveTargets ListTagsForResource TagResource UntagResource",
        "EventBridge API reference, PutRule, DisableRule and DeleteRule; EventBridge user guide, "
        '"Event patterns"',
        "patterns and errors as documented (a rule with targets is not deleted); disabled rules "
        "and rules with a schedule deliver every event",
        ("disabled rules deliver nothing", "schedule rules match no event"),
    ),
    Checked(
        "events",
        "TestEventPattern ListRuleNamesByTarget",
        "EventBridge API reference, TestEventPattern",
        "answers TestEventPattern with nothing",
        ("patterns can be tested",),
    ),
    Checked(
        "events",
        "PutEvents",
        'EventBridge user guide, "Using dead-letter queues" and "Using resource-based policies"; '
        'Glue developer guide, "Starting an AWS Glue workflow with an Amazon EventBridge event"',
        "knows neither workflows nor topics as targets; delivery, refusals and the dead-letter "
        "queue are the sandbox's (tools/sandbox/delivery.py)",
        ("workflows and topics are targets",),
    ),
    Checked(
        "glue",
        "CreateJob GetJob UpdateJob DeleteJob GetTags TagResource UntagResource ListJobs",
        'AWS Glue API reference, Job, JobUpdate and "Errors" of each',
        "no UpdateJob, no queuing, an execution class that nobody set, a name given twice",
        (
            "jobs can be updated",
            "jobs keep their queuing",
            "jobs show only the execution class they were given",
            "names in glue are given once",
        ),
    ),
    Checked(
        "glue",
        "CreateTrigger GetTrigger UpdateTrigger DeleteTrigger ListTriggers CreateWorkflow "
        "GetWorkflow UpdateWorkflow DeleteWorkflow ListWorkflows",
        'AWS Glue API reference, TriggerUpdate and "Errors" of each; terraform-provider-aws '
        "#49407 (a change of `enabled` of an EVENT trigger)",
        "no UpdateTrigger; triggers of workflows and jobs that do not exist; names given twice",
        (
            "triggers can be updated",
            "triggers need their workflow and jobs",
            "names in glue are given once",
        ),
    ),
    Checked(
        "glue",
        "StartJobRun GetJobRun GetJobRuns BatchStopJobRun StartWorkflowRun GetWorkflowRun "
        "GetWorkflowRuns GetWorkflowRunProperties StopWorkflowRun",
        'AWS Glue developer guide, "Job run statuses", "Queuing job runs" and "Running a workflow"',
        "every run succeeds at once, whatever the limits; the engine plays them",
        ("runs belong to the engine", "job runs come newest first"),
    ),
    Checked(
        "glue",
        "CreateDatabase GetDatabase UpdateDatabase DeleteDatabase CreateTable GetTable UpdateTable "
        "DeleteTable GetPartitionIndexes CreateSecurityConfiguration GetSecurityConfiguration "
        "DeleteSecurityConfiguration",
        'AWS Glue API reference, "Errors" of each',
        f"AlreadyExistsException and EntityNotFoundException as documented; {EMPTY_PLAN}",
    ),
    Checked(
        "sns",
        "CreateTopic GetTopicAttributes SetTopicAttributes DeleteTopic ListTagsForResource "
        "TagResource UntagResource Subscribe Unsubscribe ListSubscriptionsByTopic "
        "GetSubscriptionAttributes",
        'SNS API reference; SNS developer guide, "Key management"',
        f"an e-mail subscription counts as confirmed at once; {EMPTY_PLAN}",
    ),
    Checked(
        "sqs",
        "CreateQueue GetQueueUrl GetQueueAttributes SetQueueAttributes DeleteQueue ListQueueTags "
        "TagQueue UntagQueue SendMessage ReceiveMessage DeleteMessage DeleteMessageBatch "
        "ChangeMessageVisibility ChangeMessageVisibilityBatch",
        'SQS API reference, "Errors" of each',
        "errors as documented (QueueAlreadyExists, NonExistentQueue); attributes beyond their "
        f"range are taken, which the provider's own validation refuses; {EMPTY_PLAN}",
    ),
    Checked(
        "kms",
        "CreateKey DescribeKey GetKeyPolicy PutKeyPolicy GetKeyRotationStatus EnableKeyRotation "
        "DisableKeyRotation ListResourceTags TagResource UntagResource UpdateKeyDescription "
        "ScheduleKeyDeletion CreateAlias UpdateAlias DeleteAlias ListAliases",
        'AWS KMS API reference, "Errors" of each; developer guide, "Key policies in AWS KMS"',
        "key policies are judged by account/authorization; a policy that locks everybody out is "
        f"taken, which KMS refuses; {EMPTY_PLAN}",
    ),
    Checked(
        "cloudwatch",
        "PutMetricAlarm DescribeAlarms DeleteAlarms ListTagsForResource TagResource UntagResource "
        "PutDashboard GetDashboard DeleteDashboards",
        'CloudWatch user guide, "Using Amazon CloudWatch alarms"; API reference',
        f"a new alarm was OK; no alarm ever goes off; {EMPTY_PLAN}",
        ("new alarms wait for data",),
    ),
    Checked(
        "cloudwatch",
        "PutMetricData ListMetrics GetMetricData GetMetricStatistics",
        "CloudWatch API reference, PutMetricData: namespaces that begin with AWS/ are reserved",
        "takes any namespace; the role's policy names the two that the job may use",
    ),
    Checked(
        "logs",
        "CreateLogGroup DescribeLogGroups PutRetentionPolicy DeleteRetentionPolicy DeleteLogGroup "
        "AssociateKmsKey DisassociateKmsKey ListTagsForResource TagResource UntagResource",
        'CloudWatch Logs API reference; user guide, "Encrypt log data in CloudWatch Logs using '
        'AWS KMS"',
        "asks no key and takes any number of days, which the provider's own validation refuses; "
        f"what the key allows is judged by account/authorization; {EMPTY_PLAN}",
    ),
    Checked(
        "logs",
        "CreateLogStream DescribeLogStreams PutLogEvents FilterLogEvents",
        "CloudWatch Logs API reference, FilterLogEvents",
        "ignores logStreamNamePrefix, so `burst logs` asks for the streams first and names them",
    ),
    Checked(
        "iam",
        "SimulatePrincipalPolicy",
        'IAM API reference, SimulatePrincipalPolicy; IAM user guide, "Testing IAM policies with '
        'the IAM policy simulator"',
        "answers 500; the answer is that of the evaluator in tools/iam",
        ("policies of roles can be simulated",),
    ),
    Checked(
        "iam",
        "CreateRole GetRole DeleteRole UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy "
        "TagRole UntagRole PutRolePolicy GetRolePolicy DeleteRolePolicy ListRolePolicies "
        "ListAttachedRolePolicies ListInstanceProfilesForRole PutRolePermissionsBoundary "
        "DeleteRolePermissionsBoundary "
        "CreatePolicy GetPolicy GetPolicyVersion ListPolicyVersions CreatePolicyVersion "
        "DeletePolicy AttachRolePolicy DetachRolePolicy CreateOpenIDConnectProvider "
        "GetOpenIDConnectProvider ListOpenIDConnectProviders DeleteOpenIDConnectProvider "
        "ListOpenIDConnectProviderTags ListPolicyTags GetUser",
        'IAM API reference, "Errors" of each; IAM user guide, "IAM and AWS STS quotas"',
        "EntityAlreadyExists, NoSuchEntity and DeleteConflict as documented; policies are judged "
        f"by tools/iam; sizes are checked by stacks/limits.py; {EMPTY_PLAN}",
    ),
    Checked(
        "sts",
        "AssumeRole GetCallerIdentity",
        "STS API reference; GitHub's page on OpenID Connect in AWS for AssumeRoleWithWebIdentity",
        "assumes any role; the sandbox holds the trust policy against whoever asks first",
    ),
    Checked(
        "cloudtrail",
        "CreateTrail GetTrail UpdateTrail DeleteTrail DescribeTrails GetTrailStatus StartLogging "
        "StopLogging PutEventSelectors GetEventSelectors GetInsightSelectors ListTags AddTags "
        "RemoveTags",
        'CloudTrail API reference, DeleteTrail; user guide, "Logging data events"',
        "does not delete a trail by its ARN; keeps trails and writes and sends nothing",
        ("trails can be deleted by arn",),
    ),
)

LISTED = frozenset(operation for entry in CHECKED for operation in entry.operations)


def table() -> str:
    """The table for the documentation."""
    rows = [
        f"| {entry.service} | {', '.join(entry.calls.split())} | {entry.source} | {entry.finding} "
        f"| {', '.join(entry.corrections) or '-'} |"
        for entry in CHECKED
    ]
    head = (
        "| service | calls | held against | the emulator | corrections |",
        "|---|---|---|---|---|",
    )
    return "\n".join((*head, *rows))
