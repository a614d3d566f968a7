"""How far a long act is: a page that may be left, reloaded and come back to."""

from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from webadmin.jobs.models import Job
from webadmin.jobs.running import look_after


def jobs(request: HttpRequest) -> QuerySet[Job]:
    """One's own."""
    return Job.objects.filter(administrator=request.user)  # type: ignore[misc]


def one(request: HttpRequest, pk: UUID) -> HttpResponse:
    job = get_object_or_404(jobs(request), pk=pk)
    look_after(job)
    return render(request, "job.html", {"job": job, "title": job.title})


@require_safe
def state(request: HttpRequest, pk: UUID) -> JsonResponse:
    """Asked once a second by the page."""
    job = get_object_or_404(jobs(request), pk=pk)
    look_after(job)
    told = {name: getattr(job, name) for name in ("state", "done", "total", "percent", "errors", "outcome")}
    return JsonResponse(told)
