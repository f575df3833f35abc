"use strict";
// Stands in for the script of this name that Amazon served: it fills in a form that posts to the worker site.

function turkGetParam(name, otherwise) {
  return new URLSearchParams(location.search).get(name) ?? otherwise ?? "";
}

function turkSetAssignmentID(formId, assignmentId) {
  const form = document.getElementById(formId || "mturk_form");
  const field = document.getElementById("assignmentId");
  const id = assignmentId || turkGetParam("assignmentId");
  const isPreview = id === "ASSIGNMENT_ID_NOT_AVAILABLE";
  const button = document.getElementById("submitButton");
  if (field) field.value = id;
  if (button && isPreview) {
    button.disabled = true;
    button.value = "You must ACCEPT the HIT before you can submit the results.";
  }
  const submitTo = turkGetParam("turkSubmitTo").replace(/\/$/, "");
  if (form && submitTo) form.action = `${submitTo}/mturk/externalSubmit`;
}
