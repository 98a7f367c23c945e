"""The names by which envelopes are told: where shippers and stores of logs put a line, and what they write around it."""

from __future__ import annotations


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split())


TEXTS = _names(
    """
    @message message log msg line _raw textPayload text_payload LogMessage LogEntry Log_s log_line Message MESSAGE raw raw_log
    log_message logMessage event.original entry original
    """
)
"""Where a line lies as text, or as the object that a shipper has made of it."""

AUDIT = "google.cloud.audit.AuditLog"
"""How the type of an audit record ends: its id and time stand beside it in the entry, so that the two are one record."""
SURE_OBJECTS = ("jsonPayload", "json_payload", "protoPayload")
OBJECTS = (*SURE_OBJECTS, *_names("record json content detail structured log_processed parsed payload data fields document doc attributes"))
"""Where a record lies as an object; the first ones are so called nowhere else, whatever lies beside them."""

LISTS = _names("records Records logs data items results result rows value values hits events entries streams tables documents")
"""Where a list of records lies, or the object that holds it."""

BESIDE_LISTS = frozenset(
    _names(
        """
        meta metadata pagination paging page pages page_size pageSize per_page perPage size limit offset total totalItems total_items
        totalPages total_pages total_count totalCount totalSize count found next next_page nextPage nextPageToken next_page_token
        nextToken nextLink next_cursor nextCursor cursor @odata.nextLink @odata.context @odata.count @nextLink prev previous has_more
        hasMore has_next links object first_id last_id first last status success ok code error errors message version schema took
        timed_out _shards _scroll_id max_score aggregations resultType stats statistics kind etag searchedLogStreams queryLanguage
        recordsMatched messageType owner logGroup logStream subscriptionFilters common generated_at generatedAt exported_at exportedAt
        export_date from to query name type columns deliveryStreamArn invocationId region requestId request_id timestamp warnings render
        dataSources
        """
    )
)
"""What stands beside a list of records: how many there are, where the next page lies, where they come from."""

TELEMETRY = frozenset(
    _names(
        """
        resourceSpans resource_spans resourceLogs resource_logs resourceMetrics resource_metrics batches
        scopeSpans scope_spans scopeLogs scope_logs instrumentationLibrarySpans
        """
    )
)
NO_LISTS = TELEMETRY | {"spans", "messages", "choices", "contents", "observations", "batch"}
"""Lists that belong to the record that holds them: telemetry's resources, a trace's spans, a request's messages."""

SHIPPED = frozenset(
    _names(
        """
        time timestamp @timestamp date ts Timestamp TimeGenerated _time _timestamp _date ingestionTime ingestion_time receiveTimestamp
        observedTimestamp eventTime event_time time_nano timeNano publishTime @ptr @log @logStream @ingestionTime @version @metadata @id
        id _id eventId insertId logName tag _tag tags stream _stream logtag _p source source_type sourcetype index host hostname Hostname
        level severity status logger Level facility priority pri SeverityText severityText loglevel program appname app_name app ident pid
        procid msgid PROCID syslog structured_data version kubernetes kubernetes_cluster k8s docker container container_id container_name
        containerName container_image pod pod_name pod_id namespace namespace_name node node_name cluster cluster_name labels annotations
        attrs filename file path offset lineno ecs_cluster ecs_task_arn ecs_task_definition ec2_instance_id partial_message partial_id
        partial_ordinal partial_last region zone environment env service team_env agent ecs input log event fields cloud orchestrator
        process beat prospector metadata resource sourceLocation trace spanId traceSampled trace_sampled operation httpRequest errorGroups
        split apphub ddsource ddtags dd _index _type _score _version _seq_no _primary_term sort _ignored highlight logGroup logStream
        logStreamName owner account aws log_group log_stream extractedFields @entity _cd _bkt _serial _si _indextime _sourcetype
        _subsecond _kv splunk_server linecount punct eventtype Computer ContainerName ContainerId ContainerID PodName PodNamespace
        LogSource KubernetesMetadata TenantId _ResourceId Type SourceSystem ContainerAppName_s RevisionName_s ContainerGroupName_s
        EnvironmentName_s stream_s Name Image ImageTag TimeOfCommand LogEntrySource samplerate dataset fingerprint newrelic.source logtype
        plugin.source plugin.type plugin.version entity.guid entity.name detected_level tsNs structuredMetadata detail-type detailType
        account_id_aws resources _HOSTNAME SYSLOG_IDENTIFIER PRIORITY _PID __CURSOR __REALTIME_TIMESTAMP __MONOTONIC_TIMESTAMP
        _SYSTEMD_UNIT CONTAINER_NAME CONTAINER_ID _TRANSPORT _BOOT_ID
        """
    )
)
"""Names that shippers and stores write around a line: its time and order, where it ran, what an agent adds."""

MARKERS = frozenset(
    (*TEXTS, *OBJECTS, *LISTS, *_names("logEvents _source awslogs kinesis recordId messageId MessageId TopicArn EventSource event"))
)
"""A record with none of these names, and more than one, is no envelope."""
