"""Spans by hand: the decorator, the context manager, the current span, sessions, propagation."""

from tracekit.tracing.decorator import trace as trace
from tracekit.tracing.errors import error_type as error_type
from tracekit.tracing.flow import carry_context as carry_context
from tracekit.tracing.flow import extract as extract
from tracekit.tracing.flow import inject as inject
from tracekit.tracing.flow import session as session
from tracekit.tracing.flow import update_current_trace as update_current_trace
from tracekit.tracing.span import NO_SPAN as NO_SPAN
from tracekit.tracing.span import Span as Span
from tracekit.tracing.span import active as active
from tracekit.tracing.span import begin as begin
from tracekit.tracing.span import get_current_span as get_current_span
from tracekit.tracing.span import start_span as start_span
